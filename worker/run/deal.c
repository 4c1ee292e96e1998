/* See deal.h. */
#include "worker/run/deal.h"
#include "common/base/atomic.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/call/death.h"
#include "worker/call/invoke.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/free.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/thread.h"
#include "worker/life/burial.h"
#include "worker/memory/tag.h"
#include "worker/run/victim.h"
#include <errno.h>

#define BACKGROUND_EACH_NS 4000000ull /* what nobody waits for takes a key so often: each costs system calls */
#define PATIENCE_NS        5000000ull /* with a domain that was called back; then another one is, too */

static uint32_t n_recalls;
static uint64_t background_took; /* when a domain last took a key for what nobody waits for */

/* ---- pages and rights ---- */

static void rights_set(struct nw_domain *domain, uint32_t rights)
{
    for (size_t i = 0; i < domain->slots_end; i++)
        domain->slots[i].gate.pkru = rights;
}

/* Without the lock. One slot more keeps the domain from being destroyed meanwhile. */
static int retag_unlocked(struct nw_domain *domain, int key)
{
    int error;

    domain->n_slots++;
    pthread_mutex_unlock(&nw_monitor_lock);
    error = nw_memory_tag(&domain->memory, key);
    pthread_mutex_lock(&nw_monitor_lock);
    domain->n_slots--;
    if (domain->state == NW_DOMAIN_DYING)
        error = -ECANCELED;
    return error;
}

/* After an error: some of its pages may be in the key, so nobody else gets that before they are gone. */
static void give_up(struct nw_domain *domain, int error, const char *why)
{
    if (error != -ECANCELED)
        nw_domain_kill(domain, NW_STATUS_CRASHED, why);
    else if (domain->n_slots == 0)
        nw_domain_bury(domain);
}

static void give(struct nw_domain *domain)
{
    int error, key;

    nw_key_unwant(domain);
    if (!nw_key_hold(domain))
        return;
    key = domain->held_key;
    error = retag_unlocked(domain, key);
    nw_key_unwant(domain);
    if (error) {
        give_up(domain, error, "its memory could not be given a key");
        return;
    }
    nw_key_give(domain);
    domain->function->usage.rekeyed += domain->key_lost;
    domain->key_lost = false;
    domain->key_since = nw_now();
    rights_set(domain, nw_gate_rights(key));
    /* The nested call takes no lock but the domain's: once it sees a key, it must find the rights that go with it. */
    nw_store_release(&domain->key, key); /* loaded by nw_free_pop, under its lock, and by return_to_caller */
    pthread_cond_broadcast(&domain->key_given);
    nw_ready_all(domain);
    if (domain->closing)
        nw_workers_dismiss(domain);
    else if (domain->function->domain == domain)
        nw_deployed_feed(domain->function);
}

/* From now on the rights of its flows are those of nobody: none may run before it is given a key. */
static void park(struct nw_domain *domain)
{
    int error = 0;

    nw_key_go(domain);
    rights_set(domain, nw_gate_rights_none());
    if (!nw_without(NW_DEFENCE_REKEY))
        error = retag_unlocked(domain, NW_KEY_PARKED);
    if (error) {
        give_up(domain, error, "its memory could not be parked");
        return;
    }
    nw_key_park(domain);
}

/* ---- calling back ---- */

void nw__key_surfaced(struct nw_executor *ex)
{
    ex->surfaced = n_recalls;
}

/* Whether it may be where the domain's rights are used, or come from there without having looked at its key since. */
static bool may_be_in(const struct nw_executor *ex, const struct nw_domain *domain)
{
    if (ex->blocked)
        return ex->has_rights && nw_running((struct nw_executor *)ex)->domain == domain;
    return !ex->away && (int32_t)(ex->surfaced - domain->recall) < 0;
}

static bool has_left(const struct nw_domain *domain)
{
    const struct nw_executor *ex = nw_executor_after(NULL);

    while (ex && !may_be_in(ex, domain))
        ex = nw_executor_after(ex);
    return !ex || nw_without(NW_DEFENCE_RECALL);
}

static void kick_out_of(const struct nw_domain *domain)
{
    for (const struct nw_executor *ex = nw_executor_after(NULL); ex; ex = nw_executor_after(ex))
        if (may_be_in(ex, domain) && !nw_without(NW_DEFENCE_RECALL))
            nw_executor_kick(ex);
}

/* No flow of it begins to run from now on. The nested call looks at the key under the same lock as at the free list;
 * its way back does without, but whoever is on it is kicked. */
static void recall(struct nw_domain *domain, uint64_t now)
{
    struct nw_activity a;

    nw_free_lock(domain, NULL);
    nw_store_relaxed(&domain->key, 0);
    nw_free_unlock(domain);
    nw_unready_all(domain);
    nw_key_call_back(domain);
    domain->key_lost = true;
    domain->key_since = now;
    domain->recall = ++n_recalls;
    a = nw__activity_of(domain);
    if (a.waits)
        nw_key_want(domain, a.serves);
    if (domain->function->domain == domain)
        nw_deployed_feed(domain->function); /* which waits, too, if there is anything in its queue */
    if (a.runs)
        kick_out_of(domain);
    else
        park(domain);
}

/* True: a domain was parked, its key is free. */
static bool take(const struct nw_domain *wants, uint64_t now)
{
    struct nw_domain *from;

    if (!wants->key_urgent && (now < wants->key_due || now - background_took < BACKGROUND_EACH_NS))
        return false;
    from = nw__victim(wants, now);
    if (!from)
        return false;
    if (!wants->key_urgent)
        background_took = now;
    recall(from, now);
    return from->key_state != NW_KEY_CALLED_BACK;
}

/* Keys that will be free soon. */
static unsigned count_going(uint64_t now)
{
    unsigned n = 0;

    for (int key = 0; key < NW_PKRU_KEYS; key++) {
        const struct nw_domain *d = nw_key_holder(key);

        n += d &&
             (d->key_state == NW_KEY_GOES || (d->key_state == NW_KEY_CALLED_BACK && now - d->key_since < PATIENCE_NS));
    }
    return n;
}

static bool park_one(void)
{
    for (int key = 0; key < NW_PKRU_KEYS && nw_keys_called_back(); key++) {
        struct nw_domain *d = nw_key_holder(key);

        if (d && d->key_state == NW_KEY_CALLED_BACK && nw_domain_lives(d) && has_left(d)) {
            park(d);
            return true;
        }
    }
    return false;
}

/* False: nothing can be done now. */
static bool serve_one(void)
{
    uint64_t now = nw_now();
    unsigned going = count_going(now);

    for (struct nw_domain *d = nw_keys_first_wanting(); d; d = d->next_wanting) {
        if (d->held_key || !nw_domain_lives(d))
            continue;
        if (nw_keys_free()) {
            give(d);
            return true;
        }
        if (going)
            going--;
        else if (take(d, now))
            return true;
    }
    return false;
}

void nw_keys_deal(void)
{
    bool more = true;

    while (more && nw_config()->keyed && (nw_keys_first_wanting() || nw_keys_called_back()))
        more = park_one() || serve_one();
}
