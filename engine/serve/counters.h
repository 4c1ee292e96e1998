/* What one thread of the engine has counted since it began. */
#ifndef NW_ENGINE_SERVE_COUNTERS_H
#define NW_ENGINE_SERVE_COUNTERS_H

#include <stdint.h>

#define NW_COUNTERS(X)                                                                              \
    X(requests, "invocations begun, nested calls included")                                         \
    X(nested_calls, "nested calls that came through the engine")                                    \
    X(calls_refused, "nested calls that the caller may not make, or the callee's tenant not allow") \
    X(refused, "requests refused at once, since too many waited")                                   \
    X(completed, "invocations that ended with OK")                                                  \
    X(failed, "invocations that ended otherwise")                                                   \
    X(abandoned, "invocations given up by their caller before a worker had them")                   \
    X(cancelled, "invocations given up by their caller while a worker had them")                    \
    X(sent_again, "invocations sent to another worker, as the first was lost before it began them") \
    X(bytes_in, "bytes of input handed to workers")                                                 \
    X(bytes_out, "bytes of output taken from workers")                                              \
    X(system_calls_refused, "system calls of functions that workers refused")                       \
    X(workers_started, "worker processes started")                                                  \
    X(workers_lost, "worker processes that ended or were killed")                                   \
    X(protocol_errors, "workers killed because they broke the protocol")

struct nw_counters {
#define X(name, text) uint64_t name;
    NW_COUNTERS(X)
#undef X
};

#endif
