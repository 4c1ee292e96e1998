/* Domains, the keys that they hold, their slots and their functions: whole, and the same with one field broken, which
 * their checks find. */
#include "common/test/broken.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/call/invoke.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include <string.h>

static struct nw_domain domain, other;
static bool keyed; /* this machine has protection keys, and all of them are ours */

/* What the files under test use of the rest of the monitor, and these tests do not. */
uint64_t nw_now(void)
{
    return 0;
}

void nw_memory_init(struct nw_memory *memory)
{
    (void)memory;
}

void nw_files_init(struct nw_files *files)
{
    (void)files;
}

static int begin(void **state)
{
    char why[256];

    (void)state;
    memset(&domain, 0, sizeof(domain));
    return nw_share_open(&domain.account, 0, why, sizeof(why));
}

static int end(void **state)
{
    (void)state;
    nw_share_close(&domain.account);
    return 0;
}

static void domains(void **state)
{
    (void)state;
    domain.state = NW_DOMAIN_LIVE;
    domain.slots_end = NW_DOMAIN_SLOTS;
    domain.n_slots = NW_DOMAIN_SLOTS + 1;
    domain.key = domain.held_key = 3;
    FOUND(nw_domain, &domain, domain.state, NW_DOMAIN_BURIED + 1);
    FOUND(nw_domain, &domain, domain.state, NW_DOMAIN_BURIED); /* though it has slots */
    FOUND(nw_domain, &domain, domain.state, NW_DOMAIN_NONE);
    FOUND(nw_domain, &domain, domain.slots_end, NW_DOMAIN_SLOTS + 1);
    FOUND(nw_domain, &domain, domain.n_slots, NW_DOMAIN_SLOTS + 2);
    FOUND(nw_domain, &domain, domain.held_key, 4);
}

static void slots(void **state)
{
    static const enum nw_slot_state serving[] = {NW_SLOT_CALLING, NW_SLOT_QUEUED, NW_SLOT_REMOTE},
                                    idle[] = {NW_SLOT_FREE, NW_SLOT_STALE};
    struct nw_slot slot = {.domain = &domain};

    (void)state;
    for (size_t i = 0; i < sizeof(serving) / sizeof(serving[0]); i++) {
        slot.state = serving[i];
        slot.sequence = 1;
        FOUND(nw_slot, &slot, slot.sequence, 2); /* which no invocation has */
        FOUND(nw_slot, &slot, slot.domain, NULL);
    }
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
        slot.state = idle[i];
        slot.sequence = 2;
        FOUND(nw_slot, &slot, slot.sequence, 1);
        FOUND(nw_slot, &slot, slot.domain, NULL);
    }
    FOUND(nw_slot, &slot, slot.state, NW_SLOT_DEAD + 1);
}

static void functions(void **state)
{
    struct nw_arrival invocation = {.next = NULL};
    struct nw_deployed function = {.state = NW_DEPLOYED_NONE};

    (void)state;
    FOUND(nw_deployed, &function, function.domain, &domain); /* of a record that is not used */
    function.state = NW_DEPLOYED_RETIRING;
    FOUND(nw_deployed, &function, function.state, NW_DEPLOYED_RETIRING + 1);
    FOUND(nw_deployed, &function, function.queued, 1);
    FOUND(nw_deployed, &function, function.queue, &invocation);
    function.fresh = true; /* no nested call finds its queue empty */
    function.queued = 1;
    FOUND(nw_deployed, &function, function.queued, 2);
}

static void keys_that_are_held(void **state)
{
    int mine;

    (void)state;
    if (!keyed)
        skip();
    assert_true(nw_key_hold(&domain));
    mine = domain.held_key;
    FOUND(nw_key, &domain, domain.key, mine); /* its pages do not have it yet */
    nw_key_give(&domain);
    domain.key = mine;
    FOUND(nw_key, &domain, domain.key, mine + 1);
    FOUND(nw_key, &domain, domain.key_state, NW_KEY_CALLED_BACK); /* and yet it may use it */
    domain.key = 0;
    FOUND(nw_key, &domain, domain.key_state, NW_KEY_NONE);
    FOUND(nw_key, &domain, domain.key_state, NW_KEY_STATES);
    FOUND(nw_key, &domain, domain.held_key, 0);
    FOUND(nw_key, &domain, domain.held_key, NW_KEY_PARKED);
    FOUND(nw_key, &domain, domain.held_key, NW_PKRU_KEYS);
    FOUND(nw_key, &domain, domain.held_key, mine + 1); /* a free one */
    nw_key_forget(&domain);
    assert_true(nw_key_is_valid(&domain));
    FOUND(nw_key, &domain, domain.held_key, mine); /* without a state that says so */
}

/* Two domains that believe to have one key. */
static void keys_of_others(void **state)
{
    (void)state;
    if (!keyed)
        skip();
    assert_true(nw_key_hold(&domain));
    other = domain;
    assert_false(nw_key_is_valid(&other));
    assert_true(nw_key_is_valid(&domain));
    nw_key_forget(&domain);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(domains), TEST(slots), TEST(functions), TEST(keys_that_are_held), TEST(keys_of_others),
    };

    keyed = nw_keys_take() == 0;
    return cmocka_run_group_tests_name("worker/broken_domains", tests, NULL, NULL);
}
