/* What is counted of requests, by how they ended: a whole engine, whose worker is the test. */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/tally/meter.h"
#include "engine/test/serve/played_worker.h"
#include <string.h>

static const char request[] = "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

static struct world_worker *worker;
static struct nw_tally sum;

static struct fake_client *ask_so(struct world *world, const char *text)
{
    worker = &world->workers[0];
    played_await_echo(world);
    struct fake_client *client = fake_connect(world->engine->io, WORLD_GATEWAY);
    world_turn(world, 1);
    fake_send(client, text, strlen(text));
    world_turn(world, 1);
    return client;
}

static void answer(struct world *world, const struct nw_desc *answer)
{
    struct nw_desc desc, done = *answer;
    assert_int_equal(nw_ring_pop(&worker->ch.in, &desc), 1);
    assert_int_equal(desc.kind, NW_DESC_INVOKE);
    done.kind = NW_DESC_COMPLETE;
    done.id = desc.id;
    assert_int_equal(nw_channel_send(&worker->ch, &done), 0);
    world_turn(world, 1);
}

static void look(struct world *world)
{
    assert_true(nw_meter_sum(nw_function_find(world->engine, "echo", 4)->meter, &sum));
}

static uint64_t count(const struct nw_histogram *histogram)
{
    uint64_t n = 0;
    for (int i = 0; i < NW_GRID_STEPS; i++)
        n += histogram->counts[i];
    return n;
}

/* So many of that outcome; so many requests in all, of which a worker had some. */
static void expect(struct world *world, enum nw_outcome outcome, unsigned n, unsigned all, unsigned had)
{
    look(world);
    assert_int_equal(sum.ended[outcome], n);
    assert_int_equal(sum.begun, all);
    assert_int_equal(nw_tally_in_flight(&sum), 0);
    assert_int_equal(count(&sum.took), had);
    assert_int_equal(count(&sum.waited), had);
}

static void play_answers(struct world *world, void *arg)
{
    static const struct {
        enum nw_status status;
        enum nw_outcome outcome;
        uint32_t more;
    } ends[] = {
        {NW_STATUS_OK, NW_OUTCOME_OK, 1},
        {NW_STATUS_FUNCTION_FAILED, NW_OUTCOME_ERROR, 0},
        {NW_STATUS_TIMEOUT, NW_OUTCOME_TIMEOUT, 0},
        {NW_STATUS_CRASHED, NW_OUTCOME_CRASH, 0},
        {NW_STATUS_CRASHED, NW_OUTCOME_VIOLATION, 1},
        {NW_STATUS_UNAVAILABLE, NW_OUTCOME_REJECTED, 0},
    };
    (void)arg;
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct fake_client *client = ask_so(world, request);
        look(world);
        assert_int_equal(nw_tally_in_flight(&sum), 1);
        answer(world, &(struct nw_desc){.status = ends[i].status, .more = ends[i].more});
        expect(world, ends[i].outcome, 1, i + 1, i + 1);
        fake_disconnect(client);
    }
}

/* A record of an answer that no function's library would write. */
static void play_bad_answer(struct world *world, void *arg)
{
    struct fake_client *client = ask_so(world, request);
    (void)arg;
    answer(world,
           &(struct nw_desc){.offset = NW_OFFSET_INLINE, .length = 4, .name_len = 4, .data = "\xff\xff\xff\xff"});
    assert_memory_equal(fake_received(client)->data, "HTTP/1.1 502", 12);
    expect(world, NW_OUTCOME_ERROR, 1, 1, 1);
    assert_int_equal(sum.ended[NW_OUTCOME_OK], 0);
    fake_disconnect(client);
}

/* The worker's answer to what nobody waits for any more is not counted once more. */
static void play_left(struct world *world, void *arg)
{
    struct fake_client *client = ask_so(world, request);
    (void)arg;
    fake_disconnect(client);
    world_turn(world, 1);
    expect(world, NW_OUTCOME_CANCELLED, 1, 1, 1);
    answer(world, &(struct nw_desc){.status = NW_STATUS_OK});
    expect(world, NW_OUTCOME_CANCELLED, 1, 1, 1);
    client = ask_so(world, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
    fake_disconnect(client); /* in the middle of its body */
    world_turn(world, 1);
    expect(world, NW_OUTCOME_CANCELLED, 2, 2, 1);
    client = ask_so(world, "POST /function/echo HTTP/1.1\r\nHost: a\r\nX-Timeout: 30ms\r\nContent-Length: 1\r\n\r\nx");
    world_turn(world, 50);
    answer(world, &(struct nw_desc){.status = NW_STATUS_OK});
    expect(world, NW_OUTCOME_TIMEOUT, 1, 3, 2);
    fake_disconnect(client);
}

static void play_refused(struct world *world, void *arg)
{
    struct fake_client *client, *other;
    (void)arg;
    client = ask_so(world, request);
    for (int i = 0; i < 4; i++) /* one more than are sent */
        fake_send(client, request, sizeof request - 1);
    world_turn(world, 1);
    nw_function_find(world->engine, "echo", 4)->pace.gap_us = 50000;
    other = ask_so(world, "POST /function/echo HTTP/1.1\r\nHost: a\r\nX-Timeout: 30ms\r\nContent-Length: 9\r\n\r\n");
    assert_memory_equal(fake_received(other)->data, "HTTP/1.1 429", 12);
    look(world);
    assert_int_equal(sum.ended[NW_OUTCOME_REJECTED], 1);
    assert_int_equal(nw_tally_in_flight(&sum), 5);
    fake_disconnect(other);
    fake_disconnect(client);
    world_turn(world, 1);
    for (int i = 0; i < 4; i++)
        answer(world, &(struct nw_desc){.status = NW_STATUS_UNAVAILABLE});
    expect(world, NW_OUTCOME_CANCELLED, 5, 6, 4);
}

static void every_request_is_counted_once_by_how_it_ended(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_answers, NULL);
    world_run(NW_MODE_MPK, 1, true, play_bad_answer, NULL);
    world_run(NW_MODE_MPK, 1, true, play_left, NULL);
    world_run(NW_MODE_MPK, 1, true, play_refused, NULL);
}

/* A worker that is called for does not see whether its callee is in another one. */
static void play_nested(struct world *world, void *arg)
{
    struct fake_client *client = ask_so(world, request);
    (void)arg;
    played_call(worker, "echo", 0);
    world_turn(world, 1);
    look(world);
    assert_int_equal(sum.begun, 2);
    assert_int_equal(nw_tally_in_flight(&sum), 2);
    answer(world, &(struct nw_desc){.status = NW_STATUS_OK});
    answer(world, &(struct nw_desc){.status = NW_STATUS_OK});
    expect(world, NW_OUTCOME_OK, 2, 2, 2);
    fake_disconnect(client);
}

static void nested_calls_through_the_engine_are_requests(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_nested, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_counted_once_by_how_it_ended),
        cmocka_unit_test(nested_calls_through_the_engine_are_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
