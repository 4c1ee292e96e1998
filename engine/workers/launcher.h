/*
 * The engine's end of the socket to the launcher, the process that starts workers, kills them, and reports how they
 * ended. For a while there may be no launcher, until `nightward up` has started another one. Not responsible for when a
 * worker is started or given up (seats.c).
 */
#ifndef NW_ENGINE_WORKERS_LAUNCHER_H
#define NW_ENGINE_WORKERS_LAUNCHER_H

#include "common/manifest/control.h"
#include "engine/base/outbox.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_io;
struct nw_io_watch;

/* Each callback gets the `arg` of nw__launcher_init. Texts are good until it returns. */
struct nw_launcher_events {
    /* `layers`: what confines the process, see launcher/start.h. */
    void (*started)(void *arg, uint32_t worker, int64_t pid, const char *layers);

    /* `status`: as waitpid gives it, or negative when the process was never started. `why`: the same for people. */
    void (*exited)(void *arg, uint32_t worker, int64_t status, const char *why);

    /* The launcher itself has ended, and its workers with it. */
    void (*gone)(void *arg);
};

struct nw_launcher {
    struct nw_io *io;
    const struct nw_launcher_events *events;
    void *arg;
    int socket; /* -1: there is none */
    struct nw_io_watch *watch;
    struct nw_outbox outbox;
};

void nw__launcher_init(struct nw_launcher *launcher, struct nw_io *io, const struct nw_launcher_events *events,
                       void *arg);

/* A launcher is behind `socket`, which becomes ours in any case. 0, or negative errno: then there is still none. */
int nw__launcher_meet(struct nw_launcher *launcher, int socket);

/* Closes the socket, if there is a launcher. No callback comes of it. */
void nw__launcher_leave(struct nw_launcher *launcher);

bool nw_launcher_is_there(const struct nw_launcher *launcher);

/* Asks it to start the worker that `head` describes. 0 or negative errno. */
int nw__launcher_start(struct nw_launcher *launcher, const struct nw_control *head,
                       const int fds[NW_CONTROL_FDS_START]);

/* Asks it to kill a worker, if there is one to be asked. */
void nw__launcher_kill(struct nw_launcher *launcher, uint32_t worker);

/* Sends messages that its socket did not take at once. */
void nw__launcher_send_kept(struct nw_launcher *launcher);

#endif
