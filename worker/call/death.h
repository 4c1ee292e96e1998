/*
 * The end of a domain. Marked dying, none of its flows runs again. A slot is dead when nobody else can touch it any
 * more (nw_slot_die); that is noticed in many places, and acted upon in one.
 *
 *   state \ who | passive (ready, waiting) | free func worker | running, or waiting for a callee
 *   on kill     | dead                     | drained, dead    | left running; dead once its
 *                   |                          |                  | executor is back in the monitor
 *
 * Lock held.
 */
#ifndef NW_WORKER_CALL_DEATH_H
#define NW_WORKER_CALL_DEATH_H

#include "common/base/status.h"
#include <stdbool.h>

struct nw_domain;
struct nw_slot;

void nw_domain_kill(struct nw_domain *domain, enum nw_status status, const char *reason);
void nw_domain_exit(struct nw_domain *domain); /* its func workers have ended: its first flow ends the program */
void nw_slot_make_way(struct nw_slot *slot);   /* one that runs surfaces for a kick: it is ready again, or dead */

/* Dead slots are reaped: what they owed is answered, and with the last one of a domain that goes to be buried. At the
 * end of a turn: of an executor before it takes another slot, of the control thread before it sleeps. */
void nw_deaths_settle(void);
bool nw_deaths_wait(void); /* there are any */

#endif
