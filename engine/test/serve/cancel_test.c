/*
 * What becomes of what a client asked for when it goes away, or does not wait any longer: a whole engine, whose worker
 * is the test. What the worker has not begun it must not begin, and nested calls below are cancelled, down to the last.
 */
#include "common/shm/claims.h"
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/http/syntax/duration.h"
#include "engine/serve/engine.h"
#include "engine/test/serve/played_worker.h"
#include <string.h>

static const char request[] = "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

static struct world_worker *worker;

static struct fake_client *ask_so(struct world *world, const char *text)
{
    worker = &world->workers[0];
    played_await_echo(world);
    struct fake_client *client = fake_connect(world->engine->io, WORLD_GATEWAY);
    assert_non_null(client);
    world_turn(world, 1);
    fake_send(client, text, strlen(text));
    world_turn(world, 1);
    return client;
}

static struct fake_client *ask(struct world *world)
{
    return ask_so(world, request);
}

static struct nw_desc next(enum nw_desc_kind kind)
{
    struct nw_desc desc;
    assert_int_equal(nw_ring_pop(&worker->ch.in, &desc), 1);
    assert_int_equal(desc.kind, kind);
    return desc;
}

static bool nothing_came(void)
{
    struct nw_desc desc;
    return nw_ring_pop(&worker->ch.in, &desc) == 0;
}

static void complete(struct world *world, uint64_t id)
{
    const struct nw_desc desc = {.kind = NW_DESC_COMPLETE, .id = id, .status = NW_STATUS_UNAVAILABLE};
    assert_int_equal(nw_channel_send(&worker->ch, &desc), 0);
    world_turn(world, 1);
}

static bool says(struct fake_client *client, const char *text)
{
    const struct nw_buffer *received = fake_received(client);
    return memmem(received->data, received->length, text, strlen(text));
}

static void play_not_begun(struct world *world, void *arg)
{
    struct fake_client *client = ask(world);
    const struct nw_desc invoke = next(NW_DESC_INVOKE);
    (void)arg;
    fake_disconnect(client);
    world_turn(world, 1);
    assert_false(nw_claim(worker->ch.claims, invoke.id));
    assert_int_equal(world->engine->counters.cancelled, 1);
    assert_int_equal(world->engine->in_flight, 1); /* until the worker has come across it */
    complete(world, invoke.id);
    assert_int_equal(world->engine->in_flight, 0);
}

/* The worker runs both, and then calls again for the second. */
static void play_nested(struct world *world, void *arg)
{
    struct fake_client *client = ask(world);
    const struct nw_desc outer = next(NW_DESC_INVOKE);
    struct nw_desc inner, innermost;
    (void)arg;
    assert_true(nw_claim(worker->ch.claims, outer.id));
    played_call(worker, "echo", outer.id);
    world_turn(world, 1);
    inner = next(NW_DESC_INVOKE);
    assert_true(nw_claim(worker->ch.claims, inner.id));
    played_call(worker, "echo", inner.id);
    played_call(worker, "echo", 0); /* a call without a parent that the engine knows: it goes on */
    world_turn(world, 1);
    innermost = next(NW_DESC_INVOKE);
    complete(world, next(NW_DESC_INVOKE).id);
    next(NW_DESC_REPLY);
    fake_disconnect(client);
    world_turn(world, 1);
    assert_int_equal(next(NW_DESC_REPLY).status, NW_STATUS_UNAVAILABLE);
    assert_int_equal(next(NW_DESC_REPLY).status, NW_STATUS_UNAVAILABLE);
    assert_true(nothing_came());
    assert_false(nw_claim(worker->ch.claims, innermost.id));
    assert_int_equal(world->engine->counters.cancelled, 3);
    played_call(worker, "echo", inner.id);
    world_turn(world, 1);
    assert_int_equal(next(NW_DESC_REPLY).status, NW_STATUS_UNAVAILABLE); /* the same for later calls */
    assert_true(nothing_came());
    complete(world, innermost.id);
    complete(world, inner.id);
    complete(world, outer.id);
    assert_int_equal(world->engine->in_flight, 0);
}

/* Of two requests the worker runs one, and calls for it. */
static void play_expired(struct world *world, void *arg)
{
    struct fake_client *client = ask_so(world, "POST /function/echo HTTP/1.1\r\nHost: a\r\nX-Timeout: 250ms\r\n"
                                               "Content-Length: 1\r\n\r\nx");
    const struct nw_desc outer = next(NW_DESC_INVOKE);
    struct nw_desc inner;
    (void)arg;
    assert_in_range(outer.more, 200, 250);
    assert_true(nw_claim(worker->ch.claims, outer.id));
    world_turn(world, 50);
    played_call(worker, "echo", outer.id);
    world_turn(world, 1);
    inner = next(NW_DESC_INVOKE);
    assert_in_range(inner.more, 150, 200); /* the part of the limit that is left */
    assert_int_equal(fake_received(client)->length, 0);
    for (int i = 0; i < 20; i++)
        world_turn(world, 20);
    assert_memory_equal(fake_received(client)->data, "HTTP/1.1 504", 12);
    assert_true(says(client, "deadline_exceeded"));
    assert_true(says(client, "X-Timeout of 250 ms passed after 2"));
    assert_true(says(client, "ms, in a worker"));
    assert_int_equal(next(NW_DESC_REPLY).status, NW_STATUS_DEADLINE);
    assert_false(nw_claim(worker->ch.claims, inner.id));
    complete(world, inner.id);
    complete(world, outer.id);
    assert_int_equal(world->engine->in_flight, 0);
    assert_int_equal(world->engine->counters.workers_lost, 0);
    fake_disconnect(client);
}

static void play_expired_waiting(struct world *world, void *arg)
{
    struct fake_client *client;
    (void)arg;
    worker = &world->workers[0];
    played_await_echo(world);
    client = fake_connect(world->engine->io, WORLD_GATEWAY);
    world_turn(world, 1);
    for (int i = 0; i < 5; i++) /* one more than are sent */
        fake_send(client, request, sizeof request - 1);
    world_turn(world, 1);
    fake_disconnect(client);
    client = ask_so(world, "GET /function/echo HTTP/1.1\r\nHost: a\r\nX-Timeout: 30ms\r\n\r\n");
    for (int i = 0; i < 5; i++)
        world_turn(world, 20);
    assert_memory_equal(fake_received(client)->data, "HTTP/1.1 504", 12);
    assert_true(says(client, "in the engine, while it waited for a worker"));
    fake_disconnect(client);
    for (int i = 0; i < 4; i++)
        complete(world, next(NW_DESC_INVOKE).id);
    assert_true(nothing_came());
}

/* Of the function's last answers one came every 50 ms; the other's body is never read. */
static void play_hopeless(struct world *world, void *arg)
{
    struct fake_client *client, *other;
    (void)arg;
    worker = &world->workers[0];
    played_await_echo(world);
    client = fake_connect(world->engine->io, WORLD_GATEWAY);
    world_turn(world, 1);
    for (int i = 0; i < 5; i++) /* one more than are sent */
        fake_send(client, request, sizeof request - 1);
    world_turn(world, 1);
    nw_function_find(world->engine, "echo", 4)->pace.gap_us = 50000;
    other = ask_so(world, "POST /function/echo HTTP/1.1\r\nHost: a\r\nX-Timeout: 30ms\r\nContent-Length: 9\r\n\r\n");
    assert_memory_equal(fake_received(other)->data, "HTTP/1.1 429", 12);
    assert_int_equal(world->engine->counters.refused, 1);
    fake_disconnect(other);
    fake_disconnect(client);
    world_turn(world, 1);
    for (int i = 0; i < 4; i++)
        complete(world, next(NW_DESC_INVOKE).id);
}

static void expect_says(struct fake_client *client, const char *status, const char *text)
{
    assert_memory_equal(fake_received(client)->data, status, strlen(status));
    assert_true(says(client, text));
    fake_disconnect(client);
}

/* What the worker says of it is for the owner. */
static void play_timed_out(struct world *world, void *arg)
{
    struct fake_client *client = ask(world);
    struct nw_desc done = {.kind = NW_DESC_COMPLETE, .offset = NW_OFFSET_INLINE, .length = 6, .data = "secret"};
    (void)arg;
    done.id = next(NW_DESC_INVOKE).id;
    done.status = NW_STATUS_TIMEOUT;
    world_turn(world, 1003);
    assert_int_equal(nw_channel_send(&worker->ch, &done), 0);
    world_turn(world, 1);
    assert_false(says(client, "secret"));
    expect_says(client, "HTTP/1.1 504", "its timeout of 1000 ms passed after 100");
}

/* The engine comes to look when the worker would have been too late, had it not answered long ago. */
static void play_engine_late(struct world *world, void *arg)
{
    struct fake_client *client = ask(world);
    const struct nw_desc done = {
        .kind = NW_DESC_COMPLETE, .offset = NW_OFFSET_INLINE, .id = next(NW_DESC_INVOKE).id, .status = NW_STATUS_OK};
    (void)arg;
    assert_int_equal(nw_channel_send(&worker->ch, &done), 0);
    world_turn(world, 60000);
    assert_int_equal(world->engine->counters.workers_lost, 0);
    expect_says(client, "HTTP/1.1 200", "");
}

static void play_waited(struct world *world, void *arg)
{
    struct fake_client *first = ask(world), *client;
    (void)arg;
    world->engine->options.queue_timeout = 100;
    for (int i = 0; i < 3; i++)
        fake_send(first, request, sizeof request - 1);
    world_turn(world, 1);
    client = ask(world); /* one more than are sent */
    world_turn(world, 100);
    expect_says(client, "HTTP/1.1 503", "the time to find a worker of 100 ms passed after 10");
    fake_disconnect(first);
    world_turn(world, 1);
    for (int i = 0; i < 4; i++)
        complete(world, next(NW_DESC_INVOKE).id);
}

static void an_error_says_which_limit_passed_and_when(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_timed_out, NULL);
    world_run(NW_MODE_MPK, 1, true, play_waited, NULL);
}

static void a_worker_is_not_blamed_for_a_late_engine(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_engine_late, NULL);
}

static void who_cannot_be_answered_in_time_is_refused_at_the_head(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_hopeless, NULL);
}

static void who_does_not_wait_any_longer_is_answered(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_expired, NULL);
    world_run(NW_MODE_MPK, 1, true, play_expired_waiting, NULL);
}

static void a_timeout_has_a_unit(void **state)
{
    (void)state;
    assert_int_equal(nw_http_duration("1ms", 3), 1);
    assert_int_equal(nw_http_duration("2s", 2), 2000);
    assert_int_equal(nw_http_duration("3m", 2), 180000);
    assert_int_equal(nw_http_duration("99999999999999999999999m", 24), NW_DURATION_MOST);
    assert_int_equal(nw_http_duration("0ms", 3) + nw_http_duration("", 0) + nw_http_duration("5", 1) +
                         nw_http_duration("s", 1) + nw_http_duration("1h", 2) + nw_http_duration("-1s", 3) +
                         nw_http_duration("1.5s", 4) + nw_http_duration("1 s", 3) + nw_http_duration("1mss", 4),
                     0);
}

static void what_was_not_begun_is_taken_back(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_not_begun, NULL);
}

static void nested_calls_are_cancelled_down_to_the_last(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_nested, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_begun_is_taken_back),
        cmocka_unit_test(nested_calls_are_cancelled_down_to_the_last),
        cmocka_unit_test(who_does_not_wait_any_longer_is_answered),
        cmocka_unit_test(who_cannot_be_answered_in_time_is_refused_at_the_head),
        cmocka_unit_test(an_error_says_which_limit_passed_and_when),
        cmocka_unit_test(a_worker_is_not_blamed_for_a_late_engine),
        cmocka_unit_test(a_timeout_has_a_unit),
    };
    return cmocka_run_group_tests_name("engine/cancel", tests, NULL, NULL);
}
