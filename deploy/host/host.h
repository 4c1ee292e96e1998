/*
 * The host: the engine and the launcher as children of `nightward up`, started, watched, restarted and stopped. Not
 * responsible for deciding how they are configured.
 */
#ifndef NW_DEPLOY_HOST_HOST_H
#define NW_DEPLOY_HOST_HOST_H

#include <sched.h>
#include <stdint.h>

#define NW_HOST_LISTEN_MAX  16
#define NW_HOST_SOCKETS_MAX (NW_HOST_LISTEN_MAX * 16) /* one for each thread of the engine and address */

struct nw_host_plan {
    const char *engine_path;
    const char *launcher_path;
    const char *state;        /* directory */
    const char *socket;       /* the admin socket in it */
    const char *mode;         /* mpk, process or none */
    const char *io;           /* the engine's event loop: auto, uring or uv */
    const char *policy;       /* who has the next turn in a worker */
    const char *snapshot;     /* off or auto */
    const char *worker_users; /* FIRST-LAST */
    char *const *listen;      /* addresses, n_listen of them */
    int n_listen;             /* at most NW_HOST_LISTEN_MAX */
    const char *metrics;      /* an address; NULL: they are not served beside the admin socket */
    uint64_t workers, workers_most;
    const char *idle;
    char *const *deploy_argv; /* what is run once the engine is ready, its path first; NULL: nothing */
    uint64_t queue;
    uint64_t keep;
    uint64_t executors;
    uint64_t engine_threads;
    uint64_t body_limit;
    uint64_t log_size, log_total;
    const char *access_log; /* NULL: none */

    /* Where they run; NULL: anywhere. */
    const cpu_set_t *engine_cpus, *worker_cpus;
};

/*
 * Runs until a signal asks to stop, or until the first start fails. The exit status: 0 after a stop, 2 or 111 as the
 * child said that could not start. The caller must have one thread only.
 */
int nw_host_run(const struct nw_host_plan *plan);

#endif
