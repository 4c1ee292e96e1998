/* The control socket to the supervisor, `nightward up`, which is file descriptor 3; and signals. */
#ifndef NW_ENGINE_CONTROL_SUPERVISOR_H
#define NW_ENGINE_CONTROL_SUPERVISOR_H

#include "common/shm/channel.h"
#include "engine/config/options.h"

struct nw_controller;
struct nw_io_watch;

struct nw_supervisor {
    int socket;
    int held[NW_CHANNELS_MAX * NW_LISTEN_MAX]; /* listening sockets that an earlier engine handed over, still open */
    unsigned n_held;
    struct nw_io_watch *watch; /* NULL once the supervisor is gone */
    int signals;               /* a signalfd */
    struct nw_io_watch *signal_watch;
};

/* Begins to use the socket, takes the listening sockets that wait in it, and handles signals. Ends the process with a
 * message when there is no socket. */
void nw_supervisor_start(struct nw_controller *controller);

/* Says READY when the host is ready for the first time, and hands over the listening sockets unless the supervisor has
 * them already. To be called before the loop waits. */
void nw__supervisor_tell_ready(struct nw_controller *controller);

void nw__supervisor_fini(struct nw_controller *controller);

#endif
