/*
 * Signals within a domain: sent by its own flows, by its timers, and by its own faults. The kernel never delivers one:
 * a signal is a bit in the monitor, and a handler is entered where the monitor gives an executor to a flow. What was
 * interrupted lies meanwhile in a frame in the domain's memory, in the kernel's form, and is believed in nothing but
 * what the domain could do by itself. See docs/decisions/signals-within-a-domain.md.
 *
 *   sent (signal/post.c) ──> pending ──> delivered (signal/deliver.c) ──> frame, handler ──> rt_sigreturn
 *   expired (signal/timer.c) ──^                       a fault ──────────^   (signal/frame.c)
 *
 * All of it is guarded by nw_monitor_lock, but `signalled` of a slot, which whoever runs it may look at without, and
 * what only the executor of a slot changes: its alternate stack.
 */
#ifndef NW_WORKER_SIGNAL_SIGNALS_H
#define NW_WORKER_SIGNAL_SIGNALS_H

#include "worker/base/signals.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_domain;
struct nw_executor;
struct nw_slot;

/* A signal that is being delivered to its handler. */
struct nw_signal_info {
    int signal, code;
    uint64_t address; /* of a fault */
    uint64_t value;
    uint32_t timer, overrun;
};

/* ---- signal/post.c; lock held ---- */

/* Sends to a flow of the domain, or, NULL, to the domain. False: nobody handles it, and it ends the domain. `self`, or
 * NULL, is the executor that this is called on. */
bool nw_signal_send(struct nw_domain *domain, struct nw_slot *slot, int signal, struct nw_executor *self);
bool nw__signal_send_timer(struct nw_domain *domain, struct nw_signal_timer *timer);

/* What waits for a flow; what of it is not blocked. */
uint64_t nw_signal_pending(const struct nw_slot *slot);
uint64_t nw__signal_deliverable(const struct nw_slot *slot);

/* The flow of this number. NULL: there is none in the domain. */
struct nw_slot *nw_signal_flow(struct nw_domain *domain, uint32_t tid);

/* After its mask has changed. */
void nw_signal_look(struct nw_slot *slot);

/* The one of a set that comes first is taken out of what is pending for a flow. False: none is. */
bool nw_signal_take(struct nw_slot *slot, uint64_t set, struct nw_signal_info *info);

enum nw__signal_effect { NW_SIGNAL_IGNORED, NW_SIGNAL_ENDS, NW_SIGNAL_HANDLED };
enum nw__signal_effect nw__signal_effect(const struct nw_domain *domain, int signal);

/* ---- signal/deliver.c; on the executor of the slot, lock NOT held ---- */

/* Called before a signalled slot runs. False: the slot ended with its domain. */
bool nw_signal_deliver(struct nw_slot *slot);

/* Delivers a fault of the slot, whose registers are saved. False: it has no handler for it. */
bool nw_signal_fault(struct nw_slot *slot, int signal, int code, uint64_t address, uint64_t rip);

/* The slot's system call was cut short by a signal. */
void nw_signal_cut(struct nw_slot *slot, long number);

/* Whether a call is made again behind a handler that wants that. */
bool nw_signal_restarts(long number);

/* ---- signal/frame.c; likewise ---- */

/* Lets the slot go on in the handler. False: its stack has no room. */
bool nw__signal_frame_push(struct nw_slot *slot, const struct nw_signal_info *info,
                           const struct nw_signal_action *action, uint64_t mask);

/* Lets the slot go on where the frame at its stack pointer says. False: that is no frame. */
bool nw_signal_frame_pop(struct nw_slot *slot, uint64_t *mask);

/* The form that the kernel gives `info`. */
#define NW_SIGINFO_SIZE 128
void nw_signal_siginfo(uint8_t to[NW_SIGINFO_SIZE], const struct nw_signal_info *info);

/* Whether the flow, at this stack pointer, is on its alternate stack. */
bool nw_signal_on_stack(const struct nw_slot *slot, uint64_t rsp);

/* ---- signal/timer.c; lock held ---- */

/* Sends the signals of expired timers, in all domains, which may end of them. Returns when to call again; UINT64_MAX:
 * never. */
uint64_t nw_signal_timers_run(uint64_t now);

void nw_signal_timer_set(struct nw_domain *domain, struct nw_signal_timer *timer, uint64_t at, uint64_t interval);

/* Its signal is delivered. */
void nw__signal_timer_taken(struct nw_domain *domain, struct nw_signal_timer *timer);

#endif
