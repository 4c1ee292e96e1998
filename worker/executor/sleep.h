/*
 * Slots that wait for something within the worker, or for a time: a futex, a signal, leave to block an executor. They
 * are in their domain's list. Lock held.
 */
#ifndef NW_WORKER_EXECUTOR_SLEEP_H
#define NW_WORKER_EXECUTOR_SLEEP_H

#include "worker/domain/slot.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_domain;

/* `state` says for what; `wake_at`: 0, or when it wakes in any case. */
void nw_sleep(struct nw_slot *slot, enum nw_slot_state state, uint64_t wake_at);
void nw_sleep_end(struct nw_slot *slot);       /* the slot is ready again */
void nw_sleep_interrupt(struct nw_slot *slot); /* the same, for a signal, if it sleeps */
void nw_sleepers_remove(struct nw_slot *slot);

bool nw_sleepers_timed(const struct nw_domain *domain); /* one wakes by itself */

bool nw__sleepers_await(void);          /* slots wait until they may block */
uint64_t nw_sleepers_run(uint64_t now); /* wakes those whose time has come; returns when to come again */

#endif
