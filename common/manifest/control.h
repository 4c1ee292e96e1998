/* clang-format off: it would join the lines of the list */
/*
 * Messages on the control sockets (SOCK_SEQPACKET Unix socket pairs): engine and launcher, engine and worker. One
 * packet is one message: this fixed header, then `text_len` bytes of text; file descriptors ride along.
 *
 *   nightward -> engine  LAUNCHER (fd: control socket of a launcher that was just started)
 *                        SOCKETS (fds: some of those that an earlier engine sent), before it starts
 *   engine -> nightward  SOCKETS (fds: some of its listening sockets, in their order), READY (text: one listening
 *                        address per line)
 *   engine -> launcher   START (fds: worker's control socket, memfd, worker's doorbell, engine's doorbell), KILL
 *   launcher -> engine   STARTED, EXITED (text: why, for people)
 *   engine -> worker     LOAD (fds: the .so, the granted directories in their order, the snapshot if there is one;
 *                        text: name NUL, connect NUL, directories NUL, cwd NUL, calls NUL, then each K=V NUL),
 *                        REACH, ACTIVATE, UNNAME, RETIRE, CHANNEL (fds: memfd, engine's doorbell)
 *   worker -> engine     HELLO (text: mode and keys, for people), LOADED, REFUSED (text: reason), RETIRED, TORN_DOWN
 *                        (text: reason; the worker makes the domain anew by itself), USAGE, HOLDS, CALLS, EDGES, LINES,
 *                        SNAPSHOT (fd: its file)
 */
/* clang-format on */
#ifndef NW_COMMON_MANIFEST_CONTROL_H
#define NW_COMMON_MANIFEST_CONTROL_H

#include "common/host/mode.h"
#include "common/manifest/grant.h"
#include "common/shm/channel.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A version that may have a snapshot has its address range at the same place in every worker; the engine deals places
 * out. They lie where nothing else of a worker does, between its lowest mappings and those that the kernel places by
 * itself. A range begins at a page in the first half of its place, and is at most half as long.
 */
#define NW_PLACES_START (16ull << 40)
#define NW_PLACES       2048ull
#define NW_PLACE_SIZE   (32ull << 30)

static inline bool nw_place_fits(uint64_t range)
{
    const uint64_t offset = range - NW_PLACES_START;

    return offset / NW_PLACE_SIZE < NW_PLACES && offset % NW_PLACE_SIZE < NW_PLACE_SIZE / 2 && offset % 4096 == 0;
}

#define NW_CONTROL_TEXT_MAX  36864
#define NW_CONTROL_FDS_MAX   (2 + NW_DIRECTORIES_MAX + 1) /* of LOAD; an even number */
#define NW_CONTROL_FDS_START 4

/* So many workers a tenant may be given: for those who check it on the way to the engine, too. */
#define NW_WORKERS_MAX 1024

enum nw_control_kind {
    NW_CONTROL_LAUNCHER = 1,
    NW_CONTROL_READY,
    NW_CONTROL_SOCKETS,
    NW_CONTROL_START,     /* worker, mode, executors, policy, profile, geometry */
    NW_CONTROL_KILL,      /* worker: SIGKILL it */
    NW_CONTROL_STARTED,   /* worker, value = pid; text: what confines it, see launcher/start.h */
    NW_CONTROL_EXITED,    /* worker, value = wait status (as waitpid gives it), or negative errno if never started */
    NW_CONTROL_LOAD,      /* deployment, slots, timeout_ms, memory, disk, threads, weight, cpu_limit, profile, range,
                             fresh */
    NW_CONTROL_REACH,     /* deployment; text: the struct nw_address_grant of all that it may reach from now on */
    NW_CONTROL_ACTIVATE,  /* deployment: nested calls by name go to it from now on */
    NW_CONTROL_RETIRE,    /* deployment: finish what runs, then end its domain; answered by RETIRED */
    NW_CONTROL_CHANNEL,   /* one more channel of the same geometry, which shares the worker's doorbell */
    NW_CONTROL_HELLO,     /* value = hardware keys in use, 0 without MPK */
    NW_CONTROL_LOADED,    /* deployment; text: why there is no snapshot of it, if one was wanted; else empty */
    NW_CONTROL_REFUSED,   /* deployment */
    NW_CONTROL_RETIRED,   /* deployment */
    NW_CONTROL_TORN_DOWN, /* deployment, value = enum nw_status that its invocations got */
    NW_CONTROL_USAGE,     /* slots = domains that there are, value = hardware keys that belong to none of them,
                             memory = system calls of functions that were refused so far */
    NW_CONTROL_HOLDS,     /* deployment; text: what its domain holds, see common/manifest/resources.h;
                             memory: bytes of its memory limit; value: the most of them so far; slots: func workers */
    NW_CONTROL_SNAPSHOT,  /* deployment; fd: the file of a snapshot that was taken. No fd: text says why the one that
                             came  with LOAD cannot be used; the worker goes on without it */
    NW_CONTROL_UNNAME,    /* deployment: nested calls by name go by way of the engine from now on */
    NW_CONTROL_CALLS,     /* text: a struct nw_calls of each function that runs, or was called since it was told last */
    NW_CONTROL_LINES, /* text: what functions wrote to standard output and error, each line behind its struct nw_said */
    NW_CONTROL_EDGES, /* text: a struct nw_edge_calls for each two functions of which one called the other since it
                         was told last */
};

/*
 * What a function has done in a worker so far. `calls`: how often it began or ended, nested calls included; it may
 * wrap, and begins anew with each domain. The others are of all its domains there: how long executors ran its slots,
 * with the functions that these called meanwhile, and how long its slots waited for one, in ns; how often one was made
 * to stop, how often one of its domains wanted back a hardware key that another function had taken, and got one, and
 * how often it called a function that it may not.
 */
struct nw_calls {
    uint32_t deployment, calls;
    uint64_t ran, waited, preempted, rekeyed, calls_refused;
};

/* A line of a function, of which `length` bytes follow, without its newline. Bytes may be any. */
struct nw_said {
    uint64_t time;       /* us since 1970 */
    uint64_t invocation; /* that it was written for, as the engine named it; 0: none */
    uint32_t deployment;
    uint32_t lost; /* lines of the function that were dropped in front of it; a line may be nothing but that */
    uint16_t length;
    uint16_t slot;   /* of its domain */
    uint8_t channel; /* of the invocation: which thread of the engine it came from */
    uint8_t stream;  /* STDOUT_FILENO or STDERR_FILENO; 0: there is no line */
    uint8_t padding[6];
};

/* How often one function has called another in the same worker since that was told last. */
struct nw_edge_calls {
    uint32_t caller, callee; /* deployments */
    uint64_t calls;
};

struct nw_control {
    uint32_t kind;
    uint32_t text_len;
    uint32_t worker;     /* worker number, chosen by the engine, never reused */
    uint32_t deployment; /* deployment number, chosen by the engine, never reused */
    int64_t value;
    uint32_t mode;      /* enum nw_mode, never AUTO */
    uint32_t executors; /* kernel threads that run slots */
    uint32_t slots;
    uint32_t timeout_ms;
    uint64_t memory; /* bytes of writable memory the domain may have */
    uint64_t disk;   /* bytes that it may fill of granted directories */
    uint32_t threads;
    uint32_t weight;     /* see nw_manifest */
    uint32_t cpu_limit;  /* per cent of a processor; 0: no limit */
    uint32_t profile;    /* enum nw_profile */
    uint32_t fresh;      /* 1: each invocation is to find the domain as its snapshot is, so there is a range */
    uint32_t restores;   /* 1: the last of the fds is the file of its snapshot */
    uint32_t policy;     /* START: enum nw_policy; else 0 */
    uint64_t range;      /* where its domains lie, so that they can be made from a snapshot; 0: there is to be none */
    uint64_t static_tls; /* bytes that ld.so keeps for thread-local variables of what is loaded later */
    struct nw_geometry geometry;
};

/* A received message; free nothing, close fds that are not -1 when done with them. */
struct nw_control_message {
    struct nw_control head;
    char text[NW_CONTROL_TEXT_MAX + 1]; /* NUL-terminated behind text_len bytes */
    int fds[NW_CONTROL_FDS_MAX];        /* -1 where there is none; close-on-exec */
    int n_fds;
};

/* Sends one message. head->text_len is set here. 0 or negative errno (-EAGAIN on a non-blocking socket that is
 * full, -EPIPE when the peer is gone; never SIGPIPE). The fds stay the caller's. */
int nw_control_send(int socket, const struct nw_control *head, const char *text, size_t text_len, const int *fds,
                    int n_fds);

/* Receives one message. 1; 0 at end of file; -EAGAIN; -EPROTO when the packet is malformed (its fds are closed);
 * -EMFILE when this process cannot open the fds that came with it, which are lost. */
int nw_control_recv(int socket, struct nw_control_message *message);

#endif
