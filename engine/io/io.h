/*
 * The event loop that the engine is written against: connections, timers, watched descriptors, work on another
 * thread. Nothing here knows HTTP or workers. Two backends lie above it (io/backend.h): io_uring (io/uring), and libuv
 * (io/uv) where the kernel has no io_uring, lacks what we need of it, or forbids it. io/choice makes a loop of one of
 * them.
 *
 * The rules are those of a completion interface, so that a backend may keep operations in the kernel:
 *   - bytes read are handed over in a buffer of the backend, valid during the callback only;
 *   - what an iovec of a write points to stays valid and unchanged until the write is done;
 *   - a connection is really gone only when its `closed` callback comes; until then a write may still look at memory.
 * One thread uses a loop; callbacks run on it and may call anything here.
 */
#ifndef NW_ENGINE_IO_IO_H
#define NW_ENGINE_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct nw_io;
struct nw_io_conn;
struct nw_io_listener;
struct nw_io_timer;
struct nw_io_watch;
struct nw_io_bell;

/* Most iovecs that one write takes. */
#define NW_IO_IOV_MAX 64

enum nw_io_kind { NW_IO_AUTO, NW_IO_URING, NW_IO_UV, NW_IO_KINDS };

/* auto, uring, uv; and the kind of that name, or -EINVAL. */
const char *nw_io_kind_name(enum nw_io_kind kind);
int nw_io_kind_parse(const char *name);

/* Free only after everything made from the loop was closed or freed. nw_io_new is in io/choice. */
void nw_io_free(struct nw_io *io);

/* URING or UV. */
enum nw_io_kind nw_io_kind(const struct nw_io *io);

/* Serves until nw_io_stop. */
void nw_io_run(struct nw_io *io);
void nw_io_stop(struct nw_io *io);

/* Milliseconds of a monotonic clock, read once per turn of the loop. */
uint64_t nw_io_now(const struct nw_io *io);

/* Whether the kernel has events for the loop, as far as can be seen without a system call: false may be wrong. */
bool nw_io_has_events(const struct nw_io *io);

/* Whether that is false now whatever happens, until the loop has waited or looked for events. */
bool nw_io_is_blind(const struct nw_io *io);

/* Whether operations wait to be given to the kernel at the end of the turn. */
bool nw_io_has_queued(const struct nw_io *io);

/* `callback` runs before the loop would wait. It returns whether the loop may block; if not, the loop looks for events
 * and calls it again. */
void nw_io_before_wait(struct nw_io *io, bool (*callback)(void *arg), void *arg);

/*
 * Accepts connections of a bound, listening, non-blocking stream socket, which is the listener's from now on. When the
 * process is out of descriptors it pauses and tries again by itself. NULL with errno set on failure (fd is closed).
 */
struct nw_io_listener *nw_io_listen(struct nw_io *io, int fd, void (*accepted)(void *arg, struct nw_io_conn *conn),
                                    void *arg);
void nw_io_listener_close(struct nw_io_listener *listener);

struct nw_io_conn_handler {
    void (*data)(void *arg, const char *data, size_t length);
    void (*end)(void *arg, int error); /* reading is over: 0 when the peer is done sending, else negative errno */
    void (*written)(void *arg, int error);
    void (*closed)(void *arg); /* the last callback; the connection no longer exists */
};

/* Names the owner of an accepted connection. Reading is off until nw_io_conn_read. */
void nw_io_conn_own(struct nw_io_conn *conn, const struct nw_io_conn_handler *handler, void *arg);

/* The descriptor, for socket options and credentials. */
int nw_io_conn_fd(const struct nw_io_conn *conn);

/* Turns reading on or off. Off is back-pressure: the peer's bytes stay in the kernel. */
void nw_io_conn_read(struct nw_io_conn *conn, bool on);

/*
 * Writes everything. 1: done already, `written` will not be called; 0: `written` comes later; negative errno: failed.
 * One write at a time; at most NW_IO_IOV_MAX iovecs.
 */
int nw_io_conn_write(struct nw_io_conn *conn, const struct iovec *iov, int n);

/*
 * Takes back what is left of the write that is under way, if any: `written` comes, now or later, and if bytes are left
 * then, it comes with -ECANCELED and nw_io_conn_unsent says how many.
 */
void nw_io_conn_unwrite(struct nw_io_conn *conn);
size_t nw_io_conn_unsent(const struct nw_io_conn *conn);

/* Says that nothing more will be written; the peer reads an end of file. */
void nw_io_conn_shutdown(struct nw_io_conn *conn);

/* Ends the connection now. Only `closed` is called after this. */
void nw_io_conn_close(struct nw_io_conn *conn);

/* A timer that is off. NULL with errno set on failure. */
struct nw_io_timer *nw_io_timer_new(struct nw_io *io, void (*fired)(void *arg), void *arg);
void nw_io_timer_start(struct nw_io_timer *timer, uint64_t after_ms, uint64_t repeat_ms);
void nw_io_timer_free(struct nw_io_timer *timer);

/* Calls back while `fd` is readable or at its end, and makes it non-blocking. The fd stays the caller's and must
 * outlive the watch; free first, then close. NULL with errno set on failure. */
struct nw_io_watch *nw_io_watch_new(struct nw_io *io, int fd, void (*readable)(void *arg), void *arg);
void nw_io_watch_free(struct nw_io_watch *watch);

/*
 * What wakes another process: 8 bytes are written to `fd`, a pipe or eventfd that never blocks, before the loop waits.
 * Those that are rung in one turn go to the kernel together, with everything else, so that who is woken does not take
 * the processor in between. What is not read yet is lost when there is no room for more. The fd stays the caller's and
 * must outlive the bell; a bell that is freed first is not rung any more. NULL with errno set on failure.
 */
struct nw_io_bell *nw_io_bell_new(struct nw_io *io, int fd);
void nw_io_bell_ring(struct nw_io_bell *bell);
void nw_io_bell_free(struct nw_io_bell *bell);

/* Runs `work` on another thread, then `done` on the loop's. 0 or negative errno. */
int nw_io_offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
