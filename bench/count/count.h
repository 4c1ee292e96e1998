/* What bench/count/count.c counts with: two counters that know nothing of the clock. */
#ifndef NW_BENCH_COUNT_COUNT_H
#define NW_BENCH_COUNT_COUNT_H

#include <stdint.h>
#include <sys/types.h>

/* The processes under count. */
struct nw_count_target {
    const char *address; /* HOST:PORT of the gateway */
    pid_t engine, worker;
};

struct nw_syscalls {
    uint64_t engine;
    uint64_t executors; /* those of a worker; its first thread is left out, as it follows the clock */
    uint64_t mediated;  /* SIGSYS: system calls of domains */
    uint64_t moved;     /* bytes that the engine had the kernel copy by reading and writing */
};

/* Traces engine and worker from now to the end of this process. 0, or negative errno: -EPERM where that is forbidden.
 */
int nw__trace_begin(const struct nw_count_target *target);

/* Adds up what they do until the child `client` ends. A client that stops itself goes on when all threads sleep: so
 * that each of its requests finds them asleep, whatever the machine does meanwhile. The client's wait status. */
int nw__trace_until_exit(pid_t client, struct nw_syscalls *sum);

/* Counts instructions in user mode of engine and worker. A counter, or negative errno where there is none. */
struct nw_instructions {
    int engine[256], worker[256];
    int n_engine, n_worker;
};

int nw__instructions_open(struct nw_instructions *counter, const struct nw_count_target *target);

/* Instructions since it was opened. */
void nw__instructions_read(const struct nw_instructions *counter, uint64_t *engine, uint64_t *worker);
void nw__instructions_close(struct nw_instructions *counter);

/* Calls `each` for every thread of `pid`. Stops at, and returns, the first result that is not 0. */
int nw__each_thread(pid_t pid, int (*each)(pid_t tid, void *argument), void *argument);

#endif
