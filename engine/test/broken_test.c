/* Structures of the engine that are whole, and the same with one field broken: their checks find each. */
#include "common/test/broken.h"
#include "engine/base/bulk.h"
#include "engine/base/carry.h"
#include "engine/base/chores.h"
#include "engine/serve/function.h"
#include "engine/serve/invocation.h"
#include "engine/serve/link.h"
#include "engine/serve/queue.h"
#include <stdlib.h>

#define PAGE 4096

static struct nw_list head, other; /* two lists that are empty */

static int begin(void **state)
{
    (void)state;
    nw_list_init(&head);
    nw_list_init(&other);
    return 0;
}

static bool step(struct nw_chore *chore)
{
    (void)chore;
    return false;
}

static void done(struct nw_carry *carry)
{
    (void)carry;
}

static void what_is_done_in_pieces(void **state)
{
    char bytes[2];
    struct nw_chore chore = {.step = step};
    struct nw_carry carry = {.chore = {.step = step}, .to = bytes, .from = bytes + 1, .left = 1, .done = done};
    struct nw__returned *returned = aligned_alloc(PAGE, PAGE);

    (void)state;
    FOUND(nw_chore, &chore, chore.step, NULL);
    FOUND(nw_chore, &chore, chore.link.next, &head); /* whose head does not know it */
    FOUND(nw_carry, &carry, carry.chore.step, NULL);
    FOUND(nw_carry, &carry, carry.done, NULL);
    FOUND(nw_carry, &carry, carry.to, NULL);
    FOUND(nw_carry, &carry, carry.from, NULL);
    nw_list_append(&head, &carry.chore.link);
    FOUND(nw_carry, &carry, carry.left, 0); /* it is in the list of chores although nothing is left to be copied */
    nw_list_remove(&carry.chore.link);

    assert_non_null(returned);
    *returned = (struct nw__returned){.chore = {.step = step}, .size = 1};
    FOUND(nw__returned, returned, returned->chore.step, NULL);
    FOUND(nw__returned, returned, returned->size, 0);
    returned[1] = *returned;
    assert_false(nw__returned_is_valid(&returned[1])); /* it does not begin a page */
    free(returned);
}

static void queues(void **state)
{
    struct nw_link link;
    struct nw_queue queue = {.link = &link, .open = true, .bound = 3, .in_flight = 2, .from_clients = 1};

    (void)state;
    FOUND(nw_queue, &queue, queue.link, NULL);
    FOUND(nw_queue, &queue, queue.bound, 1);
    FOUND(nw_queue, &queue, queue.from_clients, 3);
}

static void links(void **state)
{
    struct nw_link link = {.references = 1, .backlog_capacity = 1 << 30};

    (void)state;
    nw_list_init(&link.awake);
    nw_list_init(&link.broken_link);
    FOUND(nw_link, &link, link.references, 0);
    FOUND(nw_link, &link, link.broken, "though it is open");
    FOUND(nw_link, &link, link.state, NW_LINK_LOST); /* for no reason */
    FOUND(nw_link, &link, link.broken_link.next, &other);
    FOUND(nw_link, &link, link.backlog_length, link.backlog_capacity); /* more than may be kept */
    link.backlog_length = 1;
    FOUND(nw_link, &link, link.backlog_capacity, 0);
    link.state = NW_LINK_BROKEN;
    link.broken = "for a reason";
    FOUND(nw_link, &link, link.broken, NULL);
    FOUND(nw_link, &link, link.awake.next, &other);
    nw_list_append(&head, &link.broken_link);
    FOUND(nw_link, &link, link.state, NW_LINK_LOST); /* and yet in the list of those to be buried */
}

static const struct nw_invocation_owner owner;
static struct nw_function function;
static struct nw_queue queue;
static struct nw_link home;

static void invocations_before_they_are_ready(void **state)
{
    struct nw_invocation inv = {.state = NW_INVOCATION_OPEN, .function = &function, .owner = &owner};

    (void)state;
    FOUND(nw_invocation, &inv, inv.function, NULL);
    FOUND(nw_invocation, &inv, inv.owner, NULL);
    FOUND(nw_invocation, &inv, inv.length, 1); /* a byte of input without a place where it lies */
    FOUND(nw_invocation, &inv, inv.partial, true);
    FOUND(nw_invocation, &inv, inv.next.link, &home);
    FOUND(nw_invocation, &inv, inv.spilled_size, 1);
    FOUND(nw_invocation, &inv, inv.state, NW_INVOCATION_FREE);
    FOUND(nw_invocation, &inv, inv.state, NW_INVOCATION_STATES);

    inv.state = NW_INVOCATION_WAITING;
    inv.spilled = (char *)&inv;
    inv.spilled_size = inv.spilled_room = inv.length = 9;
    inv.owes = true;
    FOUND(nw_invocation, &inv, inv.owner, NULL);
    FOUND(nw_invocation, &inv, inv.complete, true); /* a complete input owes nothing */
    FOUND(nw_invocation, &inv, inv.length, 10);
    FOUND(nw_invocation, &inv, inv.spilled_room, 8);
    FOUND(nw_invocation, &inv, inv.inlined, true);
}

static void invocations_that_are_complete(void **state)
{
    struct nw_invocation inv = {.state = NW_INVOCATION_READY,
                                .function = &function,
                                .owner = &owner,
                                .queue = &queue,
                                .length = 9,
                                .spilled_size = 9,
                                .spilled_room = 9,
                                .inlined = true,
                                .complete = true};

    (void)state;
    FOUND(nw_invocation, &inv, inv.owner, NULL);
    FOUND(nw_invocation, &inv, inv.complete, false);
    FOUND(nw_invocation, &inv, inv.queue, NULL);
    FOUND(nw_invocation, &inv, inv.spilled, (char *)&inv);
    FOUND(nw_invocation, &inv, inv.has_block, true);
    FOUND(nw_invocation, &inv, inv.length, sizeof inv.small + 1);

    inv.home = &home;
    inv.state = NW_INVOCATION_SENT;
    FOUND(nw_invocation, &inv, inv.home, NULL);

    inv.inlined = false;
    inv.has_block = true;
    inv.capacity = inv.length;
    inv.state = NW_INVOCATION_READY;
    FOUND(nw_invocation, &inv, inv.home, NULL);
    FOUND(nw_invocation, &inv, inv.spilled, (char *)&inv);
    FOUND(nw_invocation, &inv, inv.capacity, inv.length - 1);

    inv.state = NW_INVOCATION_SENT;
    FOUND(nw_invocation, &inv, inv.owner, NULL);
    FOUND(nw_invocation, &inv, inv.complete, false);
    FOUND(nw_invocation, &inv, inv.queue, NULL);
    FOUND(nw_invocation, &inv, inv.spilled, (char *)&inv);
    FOUND(nw_invocation, &inv, inv.state, NW_INVOCATION_ORPHAN); /* an orphan, although it has an owner */

    inv.owner = NULL;
    inv.inlined = true;
    inv.has_block = false;
    inv.state = NW_INVOCATION_ORPHAN;
    FOUND(nw_invocation, &inv, inv.queue, NULL);
    FOUND(nw_invocation, &inv, inv.home, NULL);
    FOUND(nw_invocation, &inv, inv.owner, &owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_done_in_pieces, begin),
        cmocka_unit_test_setup(queues, begin),
        cmocka_unit_test_setup(links, begin),
        cmocka_unit_test_setup(invocations_before_they_are_ready, begin),
        cmocka_unit_test_setup(invocations_that_are_complete, begin),
    };
    return cmocka_run_group_tests_name("engine/broken", tests, NULL, NULL);
}
