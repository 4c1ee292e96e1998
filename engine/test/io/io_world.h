/* A loop with one listener and the connections that it accepted, for tests of the event loop. */
#ifndef NW_ENGINE_TEST_IO_IO_WORLD_H
#define NW_ENGINE_TEST_IO_IO_WORLD_H

#include "engine/io/io.h"
#include <netinet/in.h>

struct peer {
    struct nw_io_conn *conn;
    size_t received;
    int ends, end_error, written, written_error, closed;
    bool close_on_data;
};

struct world {
    struct nw_io *io;
    struct nw_io_listener *listener;
    struct nw_io_timer *patience;
    struct sockaddr_in address;
    struct peer peers[64];
    int n_peers;
    bool read_at_once;
    size_t wanted; /* bytes that are to come */
    bool (*until)(struct world *world);
};

/* io_uring as on a kernel that knows no multishot operations. */
extern bool world_single_shot;

/* Of cmocka: *state is the world. At its end every connection was told that it is gone, exactly once. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* The callback of listeners: one peer more. */
void world_accepted(void *arg, struct nw_io_conn *conn);

/* A timer's callback that does nothing. */
void world_tick(void *arg);

/* Runs the loop until something is so, for a bounded time. */
void run_until(struct world *world, bool (*until)(struct world *world));

/* Lets the loop turn long enough for what must not happen to happen. */
void turn_a_while(struct world *world);

/* A connection to the listener. */
int dial(struct world *world);

#endif
