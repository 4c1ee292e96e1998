/* The flags of nightward-engine: one table gives parsing, defaults, bounds and help. */
#ifndef NW_ENGINE_CONFIG_OPTIONS_H
#define NW_ENGINE_CONFIG_OPTIONS_H

#include "common/base/log.h"
#include "common/host/mode.h"
#include "common/host/policy.h"
#include "common/shm/channel.h"
#include "engine/io/io.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_LISTEN_MAX 16
#define NW_KEEP_MOST  100 /* as in deploy/cli/up.c */

struct nw_options {
    const char *state;
    const char *listen[NW_LISTEN_MAX];
    int n_listen;
    const char *metrics; /* where they are served beside the admin socket; NULL: nowhere */
    enum nw_mode mode;
    enum nw_log_level log_level;
    enum nw_io_kind io;
    enum nw_policy policy;
    bool snapshots; /* workers make domains from snapshots where they can */
    uint64_t workers, workers_most;
    uint64_t executors;
    uint64_t threads;
    uint64_t body_limit;
    uint64_t arena;
    uint64_t payload_memory; /* of the engine, for payloads whose clients are slow */
    uint64_t ring;
    uint64_t queue;         /* requests that may wait for workers */
    uint64_t keep;          /* versions of each function that are kept */
    const char *access_log; /* NULL: there is none */
    uint64_t log_size;      /* bytes on disk for the lines of a function ... */
    uint64_t log_total;     /* ... and of all */
    uint64_t header_limit;
    uint64_t header_timeout; /* ms, as all below */
    uint64_t body_timeout;
    uint64_t idle_timeout;
    uint64_t function_idle; /* 0: functions stay loaded */
    uint64_t write_timeout;
    uint64_t queue_timeout;
    uint64_t load_timeout;
    uint64_t drain_timeout;
};

/* Of every channel to a worker. */
struct nw_geometry nw_options_geometry(const struct nw_options *options);

/* Reads the command line. Ends the process with status 2 naming the flag that is wrong, or with 0 after --help. */
void nw_options_parse(struct nw_options *options, int argc, char **argv);

#endif
