/* Starting one worker process from a START message. */
#ifndef NW_LAUNCHER_START_H
#define NW_LAUNCHER_START_H

#include "common/control.h"
#include <stddef.h>
#include <sys/types.h>

/* Whether a START message is one that a sane engine sends. 0, or -EINVAL with the reason, for people, in `why`. */
int nw_start_check(const struct nw_control_message *message, char *why, size_t why_size);

/*
 * Starts `worker_path` as a checked START message says, confined. The message's fds stay the caller's. The pid, or
 * negative errno with the reason, for people, in `why`. What the machine cannot confine is logged the first time.
 */
pid_t nw_start_worker(const char *worker_path, const struct nw_control_message *message, char *why, size_t why_size);

#endif
