/* See victim.h. */
#include "worker/run/victim.h"
#include "protect/gate/gate.h"
#include "protect/gate/without.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include <stddef.h>

/* How long a domain keeps its key from those that somebody waits for, and then from those that nobody waits for. */
#define OWN_TURN_NS        2000000ull           /* while it runs only what nobody waits for */
#define SERVING_TURN_NS    5000000ull           /* while it runs an invocation */
#define BACKGROUND_TURN_NS NW_KEY_BACKGROUND_NS /* from what nobody waits for */

static uint64_t looked_at; /* the last use that was known when somebody looked for a key */

/* The monitor reaches into a domain whatever its key: inputs and outputs of flows that wait for others are copied
 * without it. */
struct nw_activity nw__activity_of(const struct nw_domain *domain)
{
    struct nw_activity a = {.waits = domain->n_key_waiters > 0};

    for (size_t i = 0; i < domain->slots_end; i++) {
        const struct nw_slot *slot = &domain->slots[i];

        a.served += (slot->sequence + 1) / 2; /* begun: that one ends is no use of the key */
        switch (slot->state) {
        case NW_SLOT_READY:
            if (domain->function->limit.spent) /* for a while it has no use for a key */
                continue;
            a.waits = true;
            break;
        case NW_SLOT_RUNNING:
        case NW_SLOT_CALLING:
            a.runs = true;
            break;
        default:
            continue;
        }
        a.serves |= slot->sequence & 1;
    }
    return a;
}

/* A nested call has no time to say that it uses a key. That func workers of a domain have run since somebody last
 * looked, and no invocation has said so, is as good. */
static void note_use(struct nw_domain *domain, const struct nw_activity *a, uint64_t before)
{
    if (a->served != domain->served && domain->last_used <= before)
        nw_key_used(domain);
    domain->served = a->served;
    looked_at = domain->last_used > looked_at ? domain->last_used : looked_at;
}

/* Of those that may lose their key now the best: in which nothing runs, then in which nobody waits for what runs. */
struct nw_domain *nw__victim(const struct nw_domain *wants, uint64_t now)
{
    struct nw_domain *best = NULL;
    unsigned best_cost = 0;
    const uint64_t before = looked_at;

    for (int key = 0; key < NW_PKRU_KEYS; key++) {
        struct nw_domain *d = nw_key_holder(key);
        struct nw_activity a;
        unsigned cost;
        uint64_t turn;

        if (!d || !d->key || !nw_domain_lives(d))
            continue;
        a = nw__activity_of(d);
        note_use(d, &a, before);
        cost = a.serves ? 3 : a.runs ? 2 : a.waits;
        turn = !cost ? 0 : !wants->key_urgent ? BACKGROUND_TURN_NS : a.serves ? SERVING_TURN_NS : OWN_TURN_NS;
        if (now - d->key_since < turn || (cost && nw_without(NW_DEFENCE_TURNS)))
            continue;
        if (!best || cost < best_cost || (cost == best_cost && d->last_used < best->last_used)) {
            best = d;
            best_cost = cost;
        }
    }
    return best;
}
