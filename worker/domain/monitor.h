/*
 * The state of the monitor.
 *
 * Locks, in the order in which they are taken: monitor.lock (everything but what is named below), domain.memory_lock
 * (its mappings and fds), domain.free_lock (its list of free slots; a spinlock, see free.h). domain.move_lock
 * is taken alone.
 */
#ifndef NW_WORKER_DOMAIN_MONITOR_H
#define NW_WORKER_DOMAIN_MONITOR_H

#include "common/host/mode.h"
#include "common/manifest/control.h"
#include "common/shm/channel.h"
#include "worker/base/gate_variant.h"
#include "worker/base/limits.h"
#include "worker/call/function.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/function.h"
#include "worker/domain/slot.h"
#include "worker/wire/line.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_monitor {
    pthread_mutex_t lock;
    enum nw_mode mode;
    bool keyed;
    const struct nw_gate_variant *gate;
    uint32_t worker;
    int control;
    unsigned n_untold;                     /* messages that wait for the engine to read */
    int wake;                              /* of wake.h: what wakes the control thread */
    struct nw_line lines[NW_CHANNELS_MAX]; /* calls go by the first, whose doorbell serves all */
    uint32_t n_lines;
    struct nw_geometry geometry;
    struct nw_executor *executors[NW_EXECUTORS_MAX];
    uint32_t n_executors, n_tokens, n_blocked;
    struct nw_slot *arena_waiters;
    bool room_made; /* in an arena, without word from the engine: they try again at the next look at the rings */
    struct nw_invocation *spare_invocations;
    struct nw_function functions[NW_FUNCTIONS_MAX];
    struct nw_domain *domains[NW_DOMAINS_MAX];
    struct nw_route routes[NW_FUNCTIONS_MAX];
    uint32_t n_routes;
    uint16_t keys_free; /* bit k: hardware key k belongs to no domain */
    struct nw_domain *key_holder[NW_PKRU_KEYS];
    struct nw_domain *key_line; /* domains that wait for a key, those that may take one first in front */
    uint32_t n_recalls, n_called_back;
    uint64_t background_took; /* when a domain last took a key for what nobody waits for */
    uint64_t use_count;
    uint32_t next_tid;
    struct nw_images *images, *host_images; /* of code that functions bring along; of files that the host vouches for */
    int loader, stub;                       /* files: the host's ld.so, our program inside domains */
    struct nw_function *disks;              /* those that may fill directories, see disk.h */
    size_t xsave_size;
    uint32_t xsave_pkru_offset;
    uint64_t xsave_features; /* what the gate gives back, as far as this processor has it */
    uint64_t vdso;
};

extern struct nw_monitor nw_m;

#endif
