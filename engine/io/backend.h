/*
 * What a backend of io.h provides: a table of functions, which mean what io.h says of their namesakes, and through
 * which io.c calls it. Each object of a backend begins with the part declared here, which all backends have in common.
 * Also what all backends use: the part of a write that is not sent yet, and how accepted sockets are set up.
 */
#ifndef NW_ENGINE_IO_BACKEND_H
#define NW_ENGINE_IO_BACKEND_H

#include "engine/io/io.h"

/* The most that connections are given between two calls of before_wait, about: bytes, and events. Then timers, watches
 * and the owner of the loop have their turn. */
#define NW_IO_TURN_BYTES  (128ul * 1024)
#define NW_IO_TURN_EVENTS 32

struct nw_io_backend {
    enum nw_io_kind kind;
    void (*free)(struct nw_io *io);
    void (*run)(struct nw_io *io);
    void (*stop)(struct nw_io *io);
    uint64_t (*now)(const struct nw_io *io);
    bool (*has_events)(const struct nw_io *io);
    bool (*is_blind)(const struct nw_io *io);
    bool (*has_queued)(const struct nw_io *io);
    struct nw_io_listener *(*listener_new)(struct nw_io *io, int fd); /* does not close fd when it fails */
    void (*listener_close)(struct nw_io_listener *listener);
    void (*conn_read)(struct nw_io_conn *conn, bool on);
    int (*conn_write)(struct nw_io_conn *conn, const struct iovec *iov, int n);
    void (*conn_unwrite)(struct nw_io_conn *conn);
    void (*conn_close)(struct nw_io_conn *conn);
    struct nw_io_timer *(*timer_new)(struct nw_io *io);
    void (*timer_start)(struct nw_io_timer *timer, uint64_t after_ms, uint64_t repeat_ms);
    void (*timer_free)(struct nw_io_timer *timer);
    struct nw_io_watch *(*watch_new)(struct nw_io *io, int fd);
    void (*watch_free)(struct nw_io_watch *watch);
    struct nw_io_bell *(*bell_new)(struct nw_io *io);
    void (*bell_ring)(struct nw_io_bell *bell);
    void (*bell_free)(struct nw_io_bell *bell);
    int (*offload)(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg);
};

struct nw_io {
    const struct nw_io_backend *backend;
    bool (*before_wait)(void *arg);
    void *before_wait_arg;
};

struct nw_io_listener {
    const struct nw_io_backend *backend;
    int fd;
    void (*accepted)(void *arg, struct nw_io_conn *conn);
    void *arg;
};

struct nw_io_conn {
    const struct nw_io_backend *backend;
    int fd;
    const struct nw_io_conn_handler *handler; /* NULL until it is owned */
    void *arg;
    size_t unsent; /* of the last write */
};

struct nw_io_timer {
    const struct nw_io_backend *backend;
    void (*fired)(void *arg);
    void *arg;
};

struct nw_io_watch {
    const struct nw_io_backend *backend;
    void (*readable)(void *arg);
    void *arg;
};

struct nw_io_bell {
    const struct nw_io_backend *backend;
    int fd;
};

/* What is written to ring it. */
extern const uint64_t nw_io_one;

/* ms until a listener tries again after the process had no descriptor left */
#define NW_IO_ACCEPT_RETRY 100

/* Sets the options that every accepted socket has. */
void nw_io_set_up_socket(int fd);

/* What is left of a write. */
struct nw_io_pending {
    struct iovec iov[NW_IO_IOV_MAX];
    int first, n;
};

void nw_io_pending_set(struct nw_io_pending *pending, const struct iovec *iov, int n);
void nw_io_pending_sent(struct nw_io_pending *pending, size_t bytes);
size_t nw_io_pending_left(const struct nw_io_pending *pending);

#endif
