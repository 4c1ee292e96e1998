/*
 * The only place where atomics are spelled out. A release store pairs with the acquire load that reads it; every use
 * names its partner.
 */
#ifndef NW_COMMON_BASE_ATOMIC_H
#define NW_COMMON_BASE_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define nw_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define nw_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define nw_load_seq_cst(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define nw_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define nw_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define nw_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define nw_exchange(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define nw_add_fetch(p, v)     __atomic_add_fetch((p), (v), __ATOMIC_ACQ_REL)
#define nw_fetch_add(p, v)     __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define nw_fetch_sub(p, v)     __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define nw_fetch_or(p, v)      __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define nw_fetch_and(p, v)     __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define nw_compare_exchange(p, expected, v) \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* Orders a store before a later load of another location: both sides of a sleep/wake handshake need it. */
#define nw_fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* The same where the other side has the kernel put barriers into all threads (membarrier): the compiler alone must keep
 * the order. */
#define nw_fence_remote() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Order plain accesses between them, as in a note that is read while it may be written (engine/logs/origin.c): stores
 * behind the one, loads in front of the other. */
#define nw_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define nw_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)

/* Tells the core that this is a spinning wait. */
static inline void nw_spin_pause(void)
{
    __builtin_ia32_pause();
}

#endif
