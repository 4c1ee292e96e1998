/* The control socket to `nightward up`, file descriptor 3, and signals. */
#ifndef NW_ENGINE_CONTROL_SUPERVISOR_H
#define NW_ENGINE_CONTROL_SUPERVISOR_H

#include "common/shm/channel.h"
#include "engine/config/options.h"

struct nw_controller;
struct nw_io_watch;

struct nw_supervisor {
    int socket;
    int held[NW_CHANNELS_MAX * NW_LISTEN_MAX]; /* listening sockets of the engine before this one */
    unsigned n_held;
    struct nw_io_watch *watch; /* NULL once it is gone */
    int signals;               /* a signalfd */
    struct nw_io_watch *signal_watch;
};

/* Takes the socket at file descriptor 3, what is held there for it, and the signals. Ends the process with a message
 * when there is no socket. */
void nw_supervisor_start(struct nw_controller *controller);

/* Hands over its listening sockets and says READY when the host is ready for the first time. To be called before the
 * loop waits. */
void nw__supervisor_tell_ready(struct nw_controller *controller);

void nw__supervisor_fini(struct nw_controller *controller);

#endif
