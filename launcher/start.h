/* Starting one worker process from a START message. */
#ifndef NW_LAUNCHER_START_H
#define NW_LAUNCHER_START_H

#include "common/manifest/control.h"
#include <stddef.h>
#include <sys/types.h>

/* Whether a START message is one that a sane engine sends. 0, or -EINVAL with the reason, for people, in `why`. */
int nw__start_check(const struct nw_control_message *message, char *why, size_t why_size);

struct nw_start_place {
    const char *worker_path;
    int namespaces; /* CLONE_NEW* flags */
    uid_t user;     /* 0: ours */
};

#define NW_LAYERS_TEXT 1024

/*
 * Starts a worker as a checked START message says, confined. The message's fds stay the caller's. The pid, and in
 * `layers` (NW_LAYERS_TEXT bytes) a line for each layer around it: "+NAME", or "-NAME: OBSTACLE" where this machine
 * lacks it, which is also logged the first time. Or negative errno with the reason, for people, in `why`.
 */
pid_t nw__start_worker(const struct nw_start_place *place, const struct nw_control_message *message, char *layers,
                       char *why, size_t why_size);

#endif
