/* The lifecycle of a function's snapshot: when it is given up and taken again, and what the engine hears of it. */
#include "common/manifest/control.h"
#include "common/test/test.h"
#include "worker/base/config.h"
#include "worker/base/now.h"
#include "worker/call/snapshots.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/stale.h"
#include "worker/executor/wake.h"
#include "worker/files/closing.h"
#include "worker/range/pages.h"
#include "worker/snapshot/snapshot.h"
#include "worker/wire/report.h"
#include <errno.h>
#include <string.h>

/* ---- the rest of the worker ---- */

static uint64_t now;
static unsigned dropped, handed, withdrawn;
static int next_file;

uint64_t nw_now(void)
{
    return now;
}

void nw_taker_drop(struct nw_snapshot *snapshot)
{
    dropped += snapshot != NULL;
}

int nw_snapshot_file(const struct nw_snapshot *snapshot)
{
    assert_non_null(snapshot);
    return next_file;
}

void nw_tell_snapshot(uint32_t deployment, int file, const char *text)
{
    (void)deployment;
    (void)text;
    handed += file >= 0;
    withdrawn += file < 0;
}

struct nw_slot *nw_free_drain(struct nw_domain *domain)
{
    (void)domain;
    return NULL;
}

struct nw_domain *nw_domain_after(const struct nw_domain *domain)
{
    (void)domain;
    return NULL;
}

void nw_close(struct nw_files *files, int fd)
{
    (void)files;
    (void)fd;
}

static bool charged;

bool nw_pages_are_charged(void)
{
    return charged;
}

void nw_stale(struct nw_slot *slot)
{
    (void)slot;
}

void nw_ready(struct nw_slot *slot)
{
    (void)slot;
}

void nw_wake_executor(void)
{
}

/* ---- a function and its domain ---- */

static struct nw_deployed function;
static struct nw_domain domain;
static const struct nw_gate_variant gate;
static char memory[2];
static struct nw_snapshot *const one = (struct nw_snapshot *)&memory[0], *const other =
                                                                             (struct nw_snapshot *)&memory[1];

static void begin(bool restores, bool fresh)
{
    static struct nw_control_message message;

    message.head = (struct nw_control){.range = 1, .restores = restores, .fresh = fresh};
    message.n_fds = restores ? 2 : 1;
    message.fds[1] = 99;
    nw_config_set(&(struct nw_config){.same_vdso = true, .gate = &gate});
    dropped = handed = withdrawn = 0;
    next_file = 98;
    memset(&function, 0, sizeof(function));
    function.file = -1;
    function.fresh = fresh;
    function.state = NW_DEPLOYED_UP;
    nw__snapshot_init(&function, &message);
    memset(&domain, 0, sizeof(domain));
    domain.function = &function;
    domain.slots_end = 1;
    domain.slots[0].state = NW_SLOT_PARKED;
    domain.grower = &domain.slots[0];
    domain.n_made = 1;
}

static void take(struct nw_snapshot *snapshot)
{
    domain.restores = false;
    assert_true(nw__snapshot_is_due(&domain));
    domain.grower = &domain.slots[0];
    nw_deployed_snapshots.taken(&domain, snapshot, "why not");
    assert_int_equal(function.snapshot_state, snapshot ? NW_SNAPSHOT_OWN : NW_SNAPSHOT_NONE);
}

static void lose(bool restores, bool served, enum nw_status status)
{
    domain.restores = restores;
    domain.slots[0].sequence = served ? 3 : 1;
    nw__snapshot_lost(&function, &domain, status, "a reason");
    nw__snapshot_give_up(&function);
}

static void fail_to_make(int error)
{
    nw_deployed_unmade(&function, error);
    lose(true, false, NW_STATUS_REFUSED);
}

/* ---- tests ---- */

static void a_shortage_is_no_fault_of_the_snapshot(void **state)
{
    (void)state;
    begin(false, false);
    take(one);
    for (int i = 0; i < 4; i++) { /* each time it is over before the third */
        fail_to_make(-ENOMEM);
        fail_to_make(-EAGAIN);
        assert_ptr_equal(function.snapshot, one);
        lose(true, true, NW_STATUS_CRASHED);
    }
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_OWN);
    assert_int_equal(withdrawn, 0);
    fail_to_make(-EINVAL);
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_RESTING);
    assert_int_equal(dropped, 1);
    assert_int_equal(withdrawn, 1);
}

static void spoil_own(void)
{
    for (int i = 0; i < 3; i++)
        lose(true, false, NW_STATUS_CRASHED);
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_RESTING);
    assert_null(function.snapshot);
}

/* How long none is taken, though domains serve. */
static uint64_t rest(void)
{
    const uint64_t began = now;

    do {
        now += 100000000;
        lose(false, false, NW_STATUS_CRASHED);
        assert_int_equal(function.snapshot_state, NW_SNAPSHOT_RESTING);
        lose(false, true, NW_STATUS_CRASHED);
    } while (function.snapshot_state == NW_SNAPSHOT_RESTING);
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_WANTED);
    return now - began;
}

static void another_is_taken_once_a_loaded_domain_has_served(void **state)
{
    uint64_t rested = 0;

    (void)state;
    begin(false, false);
    for (int i = 0; i < 4; i++) {
        uint64_t before = rested;

        take(i % 2 ? other : one);
        spoil_own();
        rested = rest();
        assert_true(rested > before);
    }
}

/* It gives a worker up that hands it more than one for a load, or takes back what it does not have. */
static void the_engine_has_one_for_each_load(void **state)
{
    (void)state;
    begin(false, false);
    take(one);
    assert_int_equal(handed, 1);
    spoil_own();
    assert_int_equal(withdrawn, 1);
    rest();
    take(other);
    spoil_own();
    assert_int_equal(handed, 1);
    assert_int_equal(withdrawn, 1);
}

static void a_descriptor_that_cannot_be_had_takes_nothing_back(void **state)
{
    (void)state;
    begin(false, false);
    next_file = -1;
    take(one);
    assert_int_equal(handed + withdrawn, 0);
}

static void one_that_came_is_replaced_by_an_own_one(void **state)
{
    (void)state;
    begin(true, false);
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_SENT);
    nw_deployed_opened(&function, one, "");
    for (int i = 0; i < 3; i++)
        lose(true, false, NW_STATUS_CRASHED);
    assert_int_equal(withdrawn, 1);
    take(other);
    assert_int_equal(handed, 1);
}

/* It was never asked for its own, nor would its own be handed around. */
static void of_a_fresh_function_the_engine_hears_nothing(void **state)
{
    (void)state;
    begin(true, true);
    nw_deployed_opened(&function, NULL, "it is damaged");
    take(one);
    for (int i = 0; i < 3; i++)
        lose(true, false, NW_STATUS_CRASHED);
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_WANTED);
    assert_int_equal(handed + withdrawn, 0);
}

static void while_it_is_loaded_a_crash_spoils_it_at_once(void **state)
{
    (void)state;
    begin(true, false);
    function.state = NW_DEPLOYED_LOADING;
    nw_deployed_opened(&function, one, "");
    fail_to_make(-EAGAIN);
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_GIVEN);
    lose(true, false, NW_STATUS_CRASHED);
    assert_int_equal(function.snapshot_state, NW_SNAPSHOT_WANTED);
}

static void one_that_cannot_be_taken_is_not_tried_again(void **state)
{
    (void)state;
    begin(false, false);
    take(NULL);
    assert_string_equal(function.no_snapshot, "why not");
    lose(false, true, NW_STATUS_CRASHED);
    assert_false(nw__snapshot_is_due(&domain));
}

/* It is not its fault, and it may be of use to others. */
static void where_memory_is_charged_there_is_none(void **state)
{
    (void)state;
    charged = true;
    for (int i = 0; i < 2; i++) {
        begin(i == 1, false);
        assert_int_equal(function.snapshot_state, NW_SNAPSHOT_NONE);
        assert_int_equal(function.file, -1);
        assert_non_null(strstr(function.no_snapshot, "vm.overcommit_memory"));
        assert_false(nw__snapshot_is_due(&domain));
        assert_int_equal(withdrawn, 0);
    }
    charged = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shortage_is_no_fault_of_the_snapshot),
        cmocka_unit_test(another_is_taken_once_a_loaded_domain_has_served),
        cmocka_unit_test(the_engine_has_one_for_each_load),
        cmocka_unit_test(a_descriptor_that_cannot_be_had_takes_nothing_back),
        cmocka_unit_test(one_that_came_is_replaced_by_an_own_one),
        cmocka_unit_test(of_a_fresh_function_the_engine_hears_nothing),
        cmocka_unit_test(while_it_is_loaded_a_crash_spoils_it_at_once),
        cmocka_unit_test(one_that_cannot_be_taken_is_not_tried_again),
        cmocka_unit_test(where_memory_is_charged_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
