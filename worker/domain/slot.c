/* Making and ending slots, and the results of their system calls. */
#include "worker/domain/slot.h"
#include "common/base/atomic.h"
#include "protect/rewrite/shortcut.h"
#include "worker/account/share.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/domain/called.h"
#include "worker/domain/domain.h"
#include "worker/lines/lines.h"
#include <stdlib.h>
#include <string.h>

#define AREA_SIZE 256 /* each slot's part of domain.areas, for one struct nw_gate_regs */

static uint32_t last_tid;

_Static_assert(sizeof(struct nw_gate_regs) <= AREA_SIZE, "areas overlap");

static struct nw_slot *first_dead, **last_dead = &first_dead;

/* XRSTOR gives every component its initial state where the header is zero, but takes MXCSR from the area even so. */
static void xsave_reset(uint8_t *area)
{
    const uint32_t mxcsr = NW_MXCSR_DEFAULT;

    memset(area, 0, nw_config()->xsave_size);
    memcpy(area + 24, &mxcsr, sizeof(mxcsr));
}

void nw_slot_state_reset(struct nw_slot *slot)
{
    xsave_reset(slot->gate.xsave);
}

/* One that no thread of the domain has: some of a domain that was made from a snapshot were not counted here. */
static uint32_t new_tid(const struct nw_domain *domain)
{
    uint32_t tid = ++last_tid;

    for (size_t i = 0; i < domain->slots_end; i++)
        if (domain->slots[i].state != NW_SLOT_UNUSED && domain->slots[i].tid == tid)
            return new_tid(domain);
    return tid;
}

struct nw_slot *nw_slot_new(struct nw_domain *domain)
{
    struct nw_slot *slot = NULL;
    size_t i;

    for (i = 0; i < NW_DOMAIN_SLOTS && !slot; i++)
        if (domain->slots[i].state == NW_SLOT_UNUSED)
            slot = &domain->slots[i];
    if (!slot)
        return NULL;
    i = (size_t)(slot - domain->slots);
    nw_called_keep(slot, domain);
    *slot = (struct nw_slot){
        .domain = domain,
        .tid = new_tid(domain),
        .call_generation = slot->call_generation,
        .gate = {.kind = NW_CTX_KIND_FULL,
                 .pkru = !nw_config()->keyed ? 0
                         : domain->key       ? nw_gate_rights(domain->key)
                                             : nw_gate_rights_none(),
                 .area = (struct nw_gate_regs *)(domain->areas + i * AREA_SIZE),
                 .xsave = domain->xsave + i * nw_config()->xsave_size,
                 .mxcsr = NW_MXCSR_DEFAULT,
                 .fcw = NW_FCW_DEFAULT},
    };
    nw_slot_move(slot, NW_SLOT_PARKED);
    xsave_reset(slot->gate.xsave);
    domain->n_slots++;
    if (i >= domain->slots_end)
        domain->slots_end = (uint32_t)i + 1;
    return slot;
}

void nw_slot_die(struct nw_slot *slot)
{
    nw_slot_move(slot, NW_SLOT_DEAD);
    slot->next = NULL;
    *last_dead = slot;
    last_dead = &slot->next;
}

bool nw_slot_has_dead(void)
{
    return first_dead != NULL;
}

struct nw_slot *nw_slot_take_dead(void)
{
    struct nw_slot *slot = first_dead;

    if (!slot)
        return NULL;
    first_dead = slot->next;
    if (!first_dead)
        last_dead = &first_dead;
    return slot;
}

void nw_slot_end(struct nw_slot *slot)
{
    nw_lines_end(&slot->domain->lines, slot);
    nw_slot_move(slot, NW_SLOT_UNUSED);
    free(slot->answer);
    slot->answer = NULL;
    slot->domain->n_slots--;
    if (slot != slot->domain->slots)
        nw_share_give(&slot->domain->account, NW_RESOURCE_THREADS, 1);
}

void nw_slot_result(struct nw_slot *slot, long result)
{
    slot->gate.regs.rax = (uint64_t)result;
    slot->gate.result = (uint64_t)result;
    slot->gate.result2 = NW_SHORTCUT_DONE;
}

#define SYSCALL_SIZE 2

/* Both ways in which a call may have come: by the instruction, which is run again, or by the shortcut, which misses. */
void nw_slot_again(struct nw_slot *slot)
{
    slot->gate.regs.rip -= SYSCALL_SIZE; /* RAX still is the number */
    slot->gate.result2 = NW_SHORTCUT_MISS;
}

void nw_slot_began(struct nw_slot *slot)
{
    slot->gate.regs.rip += SYSCALL_SIZE;
}

void nw_slot_served(struct nw_slot *slot)
{
    nw_store_relaxed(&slot->sequence, slot->sequence + 1); /* sampled by nw_watch */
    slot->domain->n_serving -= slot->takes_slot;
    slot->caller = NULL;
    slot->from_ring = slot->takes_slot = false;
    slot->answer_length = 0;
    slot->freight.kind = NW_FREIGHT_NONE;
}
