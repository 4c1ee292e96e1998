/* The records of domains. One is used again but never freed, so that an executor with an old pointer still finds valid
 * locks and a state there. */
#include "worker/domain/domain.h"
#include "common/base/atomic.h"
#include "common/base/valid.h"
#include "worker/base/config.h"
#include <errno.h>
#include <sys/mman.h>

static uint32_t in_state[NW_DOMAIN_BURIED + 1]; /* how many are in each; NONE, which all begin in, wraps below 0 */
static struct nw_domain *nw__domains[NW_DOMAINS_MAX]; /* tests that attack the monitor look for it by this name */

/*
 *         taken           made              up           killed         no slot is left
 *   NONE ──────> MAKING ──────> STARTING ──────> LIVE ──────────> DYING ───────────────> BURIED
 *    ^ ^           │               └───────── killed ──────────────^                       │
 *    │ └─ failed ──┘                                                                       │
 *    └────────────────────────── what it had is given back ────────────────────────────────┘
 */
#define TO(state) (NW_DOMAIN_##state + 1) /* so that 0, of entries that are not listed, means: not allowed */
static const uint8_t next_state[][NW_DOMAIN_EVENTS] = {
    [NW_DOMAIN_NONE] = {[NW_DOMAIN_TAKE] = TO(MAKING)},
    [NW_DOMAIN_MAKING] = {[NW_DOMAIN_START] = TO(STARTING), [NW_DOMAIN_FORGET] = TO(NONE)},
    [NW_DOMAIN_STARTING] = {[NW_DOMAIN_STARTED] = TO(LIVE), [NW_DOMAIN_KILL] = TO(DYING)},
    [NW_DOMAIN_LIVE] = {[NW_DOMAIN_KILL] = TO(DYING)},
    [NW_DOMAIN_DYING] = {[NW_DOMAIN_BURY] = TO(BURIED), [NW_DOMAIN_FORGET] = TO(NONE) /* where tests bury at once */},
    [NW_DOMAIN_BURIED] = {[NW_DOMAIN_FORGET] = TO(NONE)},
};
#undef TO

bool nw_domain_is_valid(const struct nw_domain *domain)
{
    const bool gone = domain->state == NW_DOMAIN_NONE || domain->state == NW_DOMAIN_BURIED;

    return domain->state <= NW_DOMAIN_BURIED && domain->slots_end <= NW_DOMAIN_SLOTS &&
           domain->n_slots <= NW_DOMAIN_SLOTS + 1 && (!gone || !domain->n_slots) &&
           (!domain->key || domain->key == domain->held_key);
}

void nw_domain_move(struct nw_domain *domain, enum nw_domain_event event)
{
    const uint8_t next = next_state[domain->state][event];

    nw_check_that(next);
    if (next) {
        in_state[domain->state]--;
        in_state[next - 1]++;
        nw_store_seq_cst(&domain->state,
                         (uint32_t)next - 1); /* loaded by executors, when they are kicked at the latest */
    }
    nw_check_valid(nw_domain, domain);
}

uint32_t nw_domains_dying(void)
{
    return in_state[NW_DOMAIN_DYING];
}

uint32_t nw_domains_there(void)
{
    return 0u - in_state[NW_DOMAIN_NONE]; /* it starts at 0, and each domain that is there has left NONE */
}

struct nw_domain *nw_domain_at(uint64_t index)
{
    return index < NW_DOMAINS_MAX ? nw__domains[index] : NULL;
}

struct nw_domain *nw_domain_after(const struct nw_domain *domain)
{
    return nw_domain_at(domain ? domain->index + 1ull : 0);
}

/* Mapped rather than allocated, so that only pages that are used take memory: few domains have many slots. */
static struct nw_domain *record_new(size_t index)
{
    const size_t size = (sizeof(struct nw_domain) + NW_PAGE_SIZE - 1) & -NW_PAGE_SIZE;
    void *record =
        mmap(NULL, size + nw_domain_xsave_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct nw_domain *domain = record;

    if (record == MAP_FAILED)
        return NULL;
    domain->index = (uint32_t)index;
    domain->xsave = (uint8_t *)record + size;
    nw_memory_init(&domain->memory);
    nw_files_init(&domain->files);
    pthread_mutex_init(&domain->move_lock, NULL);
    pthread_cond_init(&domain->key_given, NULL);
    return domain;
}

struct nw_domain *nw_domain_take(void)
{
    size_t i = 0;

    while (i < NW_DOMAINS_MAX && nw__domains[i] && nw__domains[i]->state != NW_DOMAIN_NONE)
        i++;
    errno = ENOSPC;
    if (i == NW_DOMAINS_MAX)
        return NULL;
    if (!nw__domains[i])
        nw__domains[i] = record_new(i);
    return nw__domains[i];
}
