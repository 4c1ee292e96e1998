/*
 * Who waits for room in an arena: a whole engine whose workers answer nothing for now. Large bodies of a function fill
 * its part of the arena; small ones do not wait behind those that come too late, nor nested calls behind clients. An
 * input that its worker has read takes no room; the record of a request does until the answer.
 */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/test/serve/played_worker.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA   (8ul << 20)
#define LARGE   (1ul << 20) /* two of them are a function's part */
#define SMALL   200
#define CLIENTS 7 /* of four functions, and the last waits */

static struct fake_client *post_to(struct world *world, const char *name, size_t length)
{
    struct fake_client *client = fake_connect(world->engine->io, WORLD_GATEWAY);
    char head[128], *body = calloc(1, length);
    int n = snprintf(head, sizeof head, "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", name,
                     length);
    assert_non_null(client);
    assert_non_null(body);
    memset(body, 'e', length);
    fake_send(client, head, (size_t)n);
    fake_send(client, body, length);
    free(body);
    for (int i = 0; i < 4; i++)
        world_turn(world, 1);
    return client;
}

static struct fake_client *post(struct world *world, size_t length)
{
    return post_to(world, "echo", length);
}

static void play(struct world *world, void *arg)
{
    struct fake_client *clients[5];
    const struct nw_function *echo;
    (void)arg;
    world_turn(world, 1);
    echo = nw_function_find(world->engine, "echo", 4);
    world->held = true;
    for (int i = 0; i < 4; i++)
        clients[i] = post(world, LARGE);
    assert_int_equal(world->engine->in_flight, 2);
    assert_int_equal(echo->arena_bytes, 2 * LARGE);
    clients[4] = post(world, SMALL);
    assert_int_equal(world->engine->in_flight, 3);
    assert_true(echo->small_bytes >= SMALL);
    world->held = false;
    for (int i = 0; i < 20; i++)
        world_turn(world, 1);
    for (int i = 0; i < 5; i++) {
        assert_memory_equal(fake_received(clients[i])->data, "HTTP/1.1 200", 12);
        fake_disconnect(clients[i]);
    }
    world_turn(world, 1);
    assert_int_equal(echo->arena_bytes + echo->small_bytes + echo->spooled, 0);
}

static void small_bodies_do_not_wait_behind_large_ones(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, false, play, NULL);
}

static void turns(struct world *world)
{
    for (int i = 0; i < 20; i++)
        world_turn(world, 1);
}

/* The functions behind invocations that the worker holds call echo: the call with this number, of CALLS. */
static void call_echo(struct world_worker *worker, unsigned number, size_t length)
{
    struct nw_desc desc = {.kind = NW_DESC_CALL, .length = 4 + length, .name_len = 4};
    assert_true(worker->n_held > 0);
    assert_int_equal(nw_arena_alloc(worker->ch.arena, desc.length, &desc.offset), 0);
    memcpy(nw_arena_at(worker->ch.arena, desc.offset), "echo", 4);
    memset((char *)nw_arena_at(worker->ch.arena, desc.offset) + 4, 'e', length);
    desc.id = desc.offset << 16 | number;
    worker->calls[number] = worker->held[--worker->n_held];
    assert_int_equal(nw_channel_send(&worker->ch, &desc), 0);
}

/* Clients hold three quarters of the arena, and one waits for room; then there are calls with inputs of these lengths,
 * up to 0. */
static void play_nested(struct world *world, void *arg)
{
    static const char *const names[] = {"echo", "other", "third", "fourth"};
    struct fake_client *clients[CLIENTS];
    struct world_worker *worker = &world->workers[0];
    const struct nw_function *echo = nw_function_find(world->engine, "echo", 4);
    const size_t *lengths = arg;
    unsigned n = 0;
    uint64_t sum = 0;
    for (int i = 1; i < 4; i++)
        world_deploy(world, names[i], "E");
    turns(world);
    world->held = true;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = post_to(world, names[i / 2], LARGE);
    assert_int_equal(world->engine->in_flight, CLIENTS - 1);
    for (; lengths[n]; sum += lengths[n++])
        call_echo(worker, n, lengths[n]);
    turns(world);
    assert_int_equal(world->engine->in_flight, CLIENTS - 1 + n);
    assert_true(echo->nested_bytes >= sum);
    world->held = false;
    turns(world);
    for (int i = 0; i < CLIENTS; i++) {
        assert_memory_equal(fake_received(clients[i])->data, "HTTP/1.1 200", 12);
        fake_disconnect(clients[i]);
    }
    assert_int_equal(echo->nested_bytes, 0);
}

static void a_nested_call_does_not_wait_behind_clients(void **state)
{
    static const size_t lengths[] = {LARGE + LARGE / 2, 0}; /* more than the eighth that clients do not get */
    (void)state;
    world_run(NW_MODE_MPK, 1, false, play_nested, (void *)lengths);
}

static void nested_calls_have_an_eighth(void **state)
{
    static const size_t lengths[] = {LARGE / 2, LARGE / 4, 0};
    (void)state;
    world_run(NW_MODE_MPK, 1, false, play_nested, (void *)lengths);
}

static void play_read(struct world *world, void *arg)
{
    struct fake_client *clients[3];
    struct nw_desc first;
    struct world_worker *worker = &world->workers[0];
    const struct nw_function *echo = nw_function_find(world->engine, "echo", 4);
    (void)arg;
    played_await_echo(world);
    for (int i = 0; i < 3; i++)
        clients[i] = post(world, LARGE);
    assert_int_equal(echo->arena_bytes, 2 * LARGE);
    assert_int_equal(nw_ring_pop(&worker->ch.in, &first), 1);
    assert_int_equal(nw_channel_send(&worker->ch, &(struct nw_desc){.kind = NW_DESC_READ, .id = first.id}), 0);
    turns(world);
    assert_int_equal(world->engine->in_flight, 3);
    assert_int_equal(echo->arena_bytes, 2 * LARGE);

    /* It reads nothing twice. It is given up, and as it had begun nothing the others are sent again. */
    assert_int_equal(nw_channel_send(&worker->ch, &(struct nw_desc){.kind = NW_DESC_READ, .id = first.id}), 0);
    turns(world);
    assert_int_equal(world->engine->counters.protocol_errors, 1);
    assert_memory_equal(fake_received(clients[0])->data, "HTTP/1.1 502", 12);
    for (int i = 1; i < 3; i++)
        assert_int_equal(fake_received(clients[i])->length, 0);
    for (int i = 0; i < 3; i++)
        fake_disconnect(clients[i]);
}

static void what_was_read_takes_no_room_and_is_not_sent_again(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_read, NULL);
}

static struct nw_desc next_invoke(struct world_worker *worker)
{
    struct nw_desc desc;
    while (nw_ring_pop(&worker->ch.in, &desc) == 1)
        if (desc.kind == NW_DESC_INVOKE)
            return desc;
    fail_msg("nothing was sent to the worker");
    return desc;
}

static void tell(struct world *world, enum nw_desc_kind kind, uint64_t id)
{
    assert_int_equal(nw_channel_send(&world->workers[0].ch, &(struct nw_desc){.kind = kind, .id = id}), 0);
    turns(world);
}

/* The function asks for its request after its input was read, and after the room of that is another's. */
static void play_read_request(struct world *world, void *arg)
{
    struct fake_client *clients[2];
    struct nw_desc first, second;
    struct world_worker *worker = &world->workers[0];
    char before[512];
    (void)arg;
    world_deploy_http(world, "web", "E");
    played_await(world, "web");
    const struct nw_function *web = nw_function_find(world->engine, "web", 3);
    clients[0] = post_to(world, "web", LARGE);
    first = next_invoke(worker);
    assert_in_range(first.name_len, 1, sizeof before);
    assert_int_equal(first.length, first.name_len + LARGE);
    const char *record = nw_channel_payload(&worker->ch, &first);
    memcpy(before, record, first.name_len);
    tell(world, NW_DESC_READ, first.id);
    assert_int_equal(web->arena_bytes, first.name_len);
    clients[1] = post_to(world, "web", LARGE);
    second = next_invoke(worker);
    assert_true(second.offset >= first.offset + first.name_len || second.offset + second.length <= first.offset);
    assert_memory_equal(record, before, first.name_len);
    tell(world, NW_DESC_COMPLETE, first.id);
    tell(world, NW_DESC_READ, second.id);
    tell(world, NW_DESC_COMPLETE, second.id);
    assert_int_equal(web->arena_bytes, 0);
    assert_int_equal(world->engine->counters.protocol_errors, 0);
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(fake_received(clients[i])->data, "HTTP/1.1 200", 12);
        fake_disconnect(clients[i]);
    }
}

static void a_request_stays_readable_when_its_body_was_read(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_read_request, NULL);
}

/* Its size is not known before its end, so that room is made for the largest. */
static void play_chunks(struct world *world, void *arg)
{
    static const char head[] = "POST /function/web HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct fake_client *client = fake_connect(world->engine->io, WORLD_GATEWAY);
    size_t left = world->engine->options.body_limit, piece = left / 4;
    char size[32], *body = calloc(1, piece);
    (void)arg;
    assert_non_null(client);
    assert_non_null(body);
    world_deploy_http(world, "web", "E");
    played_await(world, "web");
    fake_send(client, head, sizeof head - 1);
    for (; left; left -= piece) {
        snprintf(size, sizeof size, "%zx\r\n", piece);
        fake_send(client, size, strlen(size));
        fake_send(client, body, piece);
        fake_send(client, "\r\n", 2);
        turns(world);
    }
    fake_send(client, "0\r\n\r\n", 5);
    free(body);
    turns(world);
    const struct nw_desc desc = next_invoke(&world->workers[0]);
    assert_int_equal(desc.length, desc.name_len + world->engine->options.body_limit);
    tell(world, NW_DESC_COMPLETE, desc.id);
    assert_memory_equal(fake_received(client)->data, "HTTP/1.1 200", 12);
    fake_disconnect(client);
}

static void the_largest_body_may_come_in_chunks_behind_a_record(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, true, play_chunks, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_bodies_do_not_wait_behind_large_ones),
        cmocka_unit_test(a_nested_call_does_not_wait_behind_clients),
        cmocka_unit_test(nested_calls_have_an_eighth),
        cmocka_unit_test(what_was_read_takes_no_room_and_is_not_sent_again),
        cmocka_unit_test(a_request_stays_readable_when_its_body_was_read),
        cmocka_unit_test(the_largest_body_may_come_in_chunks_behind_a_record),
    };
    world_arena = ARENA;
    return cmocka_run_group_tests_name("engine/room", tests, NULL, NULL);
}
