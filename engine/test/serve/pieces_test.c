/*
 * Large payloads move in pieces: a whole engine, in whose chores a witness takes part. It comes to its turn between
 * two pieces, so that it counts them, and it may do something in the middle of them.
 */
#include "common/test/test.h"
#include "engine/dispatch/dispatch.h"
#include "engine/dispatch/expire.h"
#include "engine/dispatch/invoke.h"
#include "engine/fuzz/world.h"
#include "engine/http/http.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/workers/seat.h"
#include "engine/workers/worker.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_MOST 60
#define ARENA        (8ul << 20)
#define LENGTH       (1ul << 20)
#define PIECES       ((int)(LENGTH / NW_CARRY_PIECE))

#define TICK_MS 100

#define MANY_INVOCATIONS 5000

struct witness {
    struct nw_chore chore;
    struct world *world;
    int pieces;
    int meddle_at; /* this piece; 0: never */
    void (*meddle)(struct witness *witness);
    struct fake_client *client;
};

static struct witness witness;
static char *body; /* LENGTH bytes, of which the first makes echo repeat them */

static bool between_pieces(struct nw_chore *chore)
{
    (void)chore;
    if (nw_list_empty(&witness.world->engine->chores))
        return false;
    if (++witness.pieces == witness.meddle_at)
        witness.meddle(&witness);
    return true;
}

static void turn(struct world *world, uint64_t ms)
{
    bool busy = true;
    for (; busy; ms = 1) {
        nw_chore_stop(&witness.chore);
        nw_chore_start(&world->engine->chores, &witness.chore);
        busy = world_turn_once(world, ms);
    }
    nw_chore_stop(&witness.chore);
}

static void begin(struct world *world, int meddle_at, void (*meddle)(struct witness *witness))
{
    witness =
        (struct witness){.chore = {.step = between_pieces}, .world = world, .meddle_at = meddle_at, .meddle = meddle};
    witness.client = fake_connect(world->engine->io, WORLD_GATEWAY);
    assert_non_null(witness.client);
    turn(world, 1);
}

/* With a prefix, which is no part of LENGTH. */
static void post(const char *prefix, bool chunked)
{
    char head[256];
    size_t length = strlen(prefix) + LENGTH;
    int n =
        snprintf(head, sizeof head,
                 "POST /function/echo HTTP/1.1\r\nHost: a\r\n%s: ", chunked ? "Transfer-Encoding" : "Content-Length");
    n += chunked ? snprintf(head + n, sizeof head - (size_t)n, "chunked\r\n\r\n%zx\r\n", length)
                 : snprintf(head + n, sizeof head - (size_t)n, "%zu\r\n\r\n", length);
    fake_send(witness.client, head, (size_t)n);
    fake_send(witness.client, prefix, strlen(prefix));
    fake_send(witness.client, body, LENGTH);
    if (chunked)
        fake_send(witness.client, "\r\n0\r\n\r\n", 7);
}

static void expect_body(struct world *world)
{
    const struct nw_buffer *received = fake_received(witness.client);
    for (int i = 0; i < 20; i++)
        turn(world, 1);
    assert_true(received->length > LENGTH);
    assert_memory_equal(received->data, "HTTP/1.1 200", 12);
    assert_memory_equal(received->data + received->length - LENGTH, body, LENGTH);
    fake_disconnect(witness.client);
    turn(world, 1);
}

static void expect_error(struct world *world)
{
    for (int i = 0; i < 20; i++)
        turn(world, 1);
    assert_true(fake_received(witness.client)->length > 12);
    assert_memory_equal(fake_received(witness.client)->data, "HTTP/1.1 50", 11);
    fake_disconnect(witness.client);
    turn(world, 1);
}

/* --- what is played --- */

static void play_body(struct world *world, void *arg)
{
    (void)arg;
    begin(world, 0, NULL);
    post("", true);
    turn(world, 1);
    assert_in_range(witness.pieces, PIECES - 1, 3 * PIECES);
    expect_body(world);
}

static void play_nested(struct world *world, void *arg)
{
    (void)arg;
    begin(world, 0, NULL);
    post("necho\n", false);
    turn(world, 1);
    assert_in_range(witness.pieces, 2 * PIECES - 2, 6 * PIECES);
    expect_body(world);
}

static void play_unread(struct world *world, void *arg)
{
    (void)arg;
    begin(world, 0, NULL);
    fake_writes(witness.client, FAKE_WRITE_LATER);
    post("", false);
    turn(world, 1);
    assert_false(nw_list_empty(&world->engine->lent));
    assert_int_equal(witness.pieces, 0);
    turn(world, TICK_MS);
    turn(world, TICK_MS);
    assert_in_range(witness.pieces, PIECES - 3, 3 * PIECES);
    assert_true(nw_list_empty(&world->engine->lent));
    fake_writes(witness.client, FAKE_WRITE_NOW);
    expect_body(world);
}

static struct nw_link *busy_link(struct world *world)
{
    nw_list_each(&world->engine->moving, at, after)
    {
        return nw_container(at, struct nw_invocation, link)->next.link;
    }
    return NULL;
}

static void lose_worker(struct witness *by)
{
    struct nw_link *link = busy_link(by->world);
    assert_non_null(link);
    nw_link_break(link, "the test says so");
}

/* The body goes on to a worker that is there. */
static void play_lost_worker(struct world *world, void *arg)
{
    (void)arg;
    begin(world, PIECES / 2, lose_worker);
    post("", true);
    turn(world, 1);
    assert_int_equal(world->engine->counters.workers_lost, 1);
    assert_true(witness.pieces > PIECES + PIECES / 2 - 2);
    expect_body(world);
}

static void lose_all_workers(struct witness *by)
{
    for (int i = 0; i < WORLD_WORKERS; i++)
        if (by->world->workers[i].used)
            world_kill(by->world, &by->world->workers[i]);
    nw_list_each(&by->world->controller.workers.seats, at, after)
    {
        nw_link_break(nw_container(at, struct nw_seat, link)->worker->link, "the test says so");
    }
}

static void play_lost_nested(struct world *world, void *arg)
{
    begin(world, *(int *)arg, lose_all_workers);
    post("necho\n", false);
    turn(world, 1);
    assert_true(witness.pieces >= *(int *)arg);
    expect_error(world);
}

static void be_overdue(struct witness *by)
{
    assert_false(nw_list_empty(&by->world->engine->moving));
    nw__dispatch_fail(nw_container(by->world->engine->moving.next, struct nw_invocation, link), NW_STATUS_UNAVAILABLE,
                      "the test says so");
}

/* As nw__dispatch_overdue does. */
static void play_overdue(struct world *world, void *arg)
{
    (void)arg;
    begin(world, PIECES / 2, be_overdue);
    post("", true);
    turn(world, 1);
    assert_in_range(witness.pieces, PIECES / 2, PIECES - 2);
    expect_error(world);
}

/* As nw_spool_bury does. */
static void cut_off(struct witness *by)
{
    struct nw_list *holders = &by->world->engine->spool.holders;
    assert_false(nw_list_empty(holders));
    struct nw_spool_holder *holder = nw_container(holders->next, struct nw_spool_holder, link);
    holder->cut(holder->arg);
}

static void play_cut_off(struct world *world, void *arg)
{
    (void)arg;
    begin(world, PIECES / 2, cut_off);
    fake_writes(witness.client, FAKE_WRITE_LATER);
    post("", false);
    turn(world, 1);
    turn(world, TICK_MS);
    turn(world, TICK_MS);
    assert_false(fake_is_open(witness.client));
    assert_true(nw_list_empty(&world->engine->lent));
    fake_disconnect(witness.client);
}

/* --- turns --- */

static size_t seen, most;

static bool between_flushes(struct nw_chore *chore)
{
    size_t now = fake_received(witness.client)->length;
    (void)chore;
    most = now - seen > most ? now - seen : most;
    seen = now;
    return !nw_http_server_is_flushed(witness.world->engine->gateway);
}

static void play_fast_reader(struct world *world, void *arg)
{
    (void)arg;
    begin(world, 0, NULL);
    witness.chore.step = between_flushes;
    seen = most = 0;
    post("", false);
    turn(world, 1);
    assert_in_range(most, 1, LENGTH / 2);
    witness.chore.step = between_pieces;
    expect_body(world);
}

static struct nw_link *calling;

static bool between_polls(struct nw_chore *chore)
{
    size_t now = witness.world->engine->counters.nested_calls;
    (void)chore;
    most = now - seen > most ? now - seen : most;
    seen = now;
    return nw_link_has_input(calling);
}

/* To a function that there is not. */
static void call_nobody(struct world_worker *worker, size_t length)
{
    struct nw_desc desc = {.kind = NW_DESC_CALL, .length = length, .name_len = 6};
    assert_int_equal(nw_arena_alloc(worker->ch.arena, length, &desc.offset), 0);
    memcpy(nw_arena_at(worker->ch.arena, desc.offset), "nobody", 6);
    assert_int_equal(nw_channel_send(&worker->ch, &desc), 0);
}

static void play_many_calls(struct world *world, void *arg)
{
    (void)arg;
    witness = (struct witness){.chore = {.step = between_polls}, .world = world};
    seen = most = 0;
    calling = nw_container(world->controller.workers.seats.next, struct nw_seat, link)->worker->link;
    assert_int_equal(calling->number, world->workers[0].number);
    for (int i = 0; i < 10; i++)
        call_nobody(&world->workers[0], LENGTH / 10);
    turn(world, 1);
    assert_in_range(most, 1, 5);
    assert_int_equal(world->engine->counters.nested_calls, 10);
}

static int ended, ended_before, most_ended;

static void count_ended(void *arg, const struct nw_result *result)
{
    (void)arg;
    assert_int_equal(result->status, NW_STATUS_DEADLINE);
    ended++;
}

static bool between_deadlines(struct nw_chore *chore)
{
    (void)chore;
    if (ended - ended_before > most_ended)
        most_ended = ended - ended_before;
    ended_before = ended;
    return witness.world->engine->late;
}

/* Whoever asked for them waits until the same millisecond. */
static void play_many_deadlines(struct world *world, void *arg)
{
    static const struct nw_invocation_owner owner = {.done = count_ended};
    enum nw_status status;
    const char *reason;
    (void)arg;
    ended = ended_before = most_ended = 0;
    begin(world, 0, NULL);
    witness.chore.step = between_deadlines;
    for (int i = 0; i < MANY_INVOCATIONS; i++)
        nw_expire_after(
            nw_invoke_begin(nw_function_find(world->engine, "echo", 4), 0, 0, &owner, NULL, &status, &reason), 50);
    turn(world, 49);
    assert_int_equal(ended, 0);
    turn(world, 1);
    assert_int_equal(ended, MANY_INVOCATIONS);
    assert_in_range(most_ended, 1, MANY_INVOCATIONS / 16);
    fake_disconnect(witness.client);
}

/* --- the tests: at the end of a world nothing may be left of it --- */

static void run_with(bool dishonest, void (*play)(struct world *world, void *arg), void *arg)
{
    alarm(SECONDS_MOST);
    world_run(NW_MODE_MPK, 2, dishonest, play, arg);
    alarm(0);
}

static void run(void (*play)(struct world *world, void *arg), void *arg)
{
    run_with(false, play, arg);
}

static void a_body_comes_to_its_worker_in_pieces(void **state)
{
    (void)state;
    run(play_body, NULL);
}

static void nested_input_and_output_move_in_pieces(void **state)
{
    (void)state;
    run(play_nested, NULL);
}

static void an_answer_that_is_not_read_moves_in_pieces(void **state)
{
    (void)state;
    run(play_unread, NULL);
}

static void a_body_whose_worker_is_lost_on_its_way_goes_to_another(void **state)
{
    (void)state;
    run(play_lost_worker, NULL);
}

static void a_nested_call_ends_with_the_worker_while_its_payload_moves(void **state)
{
    int of_input = PIECES / 2, of_output = PIECES + PIECES / 2;

    (void)state;
    run(play_lost_nested, &of_input);
    run(play_lost_nested, &of_output);
}

static void what_is_given_up_does_not_move_on(void **state)
{
    (void)state;
    run(play_overdue, NULL);
    run(play_cut_off, NULL);
}

static void an_answer_leaves_in_several_turns(void **state)
{
    (void)state;
    run(play_fast_reader, NULL);
}

static void large_calls_are_taken_in_several_turns(void **state)
{
    (void)state;
    run_with(true, play_many_calls, NULL);
}

static void those_that_are_overdue_at_once_are_answered_in_pieces(void **state)
{
    (void)state;
    run(play_many_deadlines, NULL);
}

static int set_up(void **state)
{
    (void)state;
    world_arena = ARENA;
    body = malloc(LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        body[i] = (char)(i * 2654435761u >> 24);
    body[0] = 'e';
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_to_its_worker_in_pieces),
        cmocka_unit_test(nested_input_and_output_move_in_pieces),
        cmocka_unit_test(an_answer_that_is_not_read_moves_in_pieces),
        cmocka_unit_test(a_body_whose_worker_is_lost_on_its_way_goes_to_another),
        cmocka_unit_test(a_nested_call_ends_with_the_worker_while_its_payload_moves),
        cmocka_unit_test(what_is_given_up_does_not_move_on),
        cmocka_unit_test(an_answer_leaves_in_several_turns),
        cmocka_unit_test(large_calls_are_taken_in_several_turns),
        cmocka_unit_test(those_that_are_overdue_at_once_are_answered_in_pieces),
    };
    return cmocka_run_group_tests_name("engine/pieces", tests, set_up, NULL);
}
