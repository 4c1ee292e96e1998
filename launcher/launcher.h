/*
 * The launcher: starts workers on the engine's word, reports how they end, and takes them along when it ends. Single
 * threaded. Not responsible for deciding when a worker is restarted: that is the engine's.
 */
#ifndef NW_LAUNCHER_LAUNCHER_H
#define NW_LAUNCHER_LAUNCHER_H

#include "common/host/users.h"

struct nw_launcher;

/*
 * `lifeline` reports end of file when the supervisor is gone, `control` is the engine's socket; both become the
 * launcher's. `worker_path` is the program to start as a worker and must outlive the launcher; `users` are
 * those that workers become where we may decide that. Finds out how workers can be confined here. Blocks SIGCHLD,
 * SIGTERM, SIGINT and SIGHUP, of which the last does nothing, in the calling thread. NULL with errno set on failure.
 */
struct nw_launcher *nw__launcher_new(int lifeline, int control, const char *worker_path, const struct nw_users *users);

/*
 * Serves until either socket ends or a signal asks to stop, then kills and reaps every worker. The exit status: 0, or
 * 111 after a message that no sane engine sends or a failure of the system.
 */
int nw__launcher_run(struct nw_launcher *launcher);

void nw__launcher_free(struct nw_launcher *launcher);

#endif
