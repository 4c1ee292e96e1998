/* A full ring or arena makes requests wait, and loses none. */
#include "engine/test/host/host.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define MIB (1024 * 1024)

static struct host host;

static int set_up(void **state)
{
    (void)state;
    static const char *const flags[] = {"--arena", "16M", "--body-limit", "16M", "--ring", "16", "--workers",
                                        "2",       NULL};
    host_start(&host, flags);
    deploy(&host, "echo", "echo");
    deploy(&host, "slow", "slow 20");
    deploy(&host, "nest", "call echo");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

struct client {
    pthread_t thread;
    const char *path;
    size_t size;
    int rounds;
    bool chunked;
    unsigned seed;
    unsigned wrong;
};

static void fill(char *data, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (char)((seed = seed * 1664525u + 1013904223u) >> 24);
}

static struct answer send_chunked(int fd, const char *path, const char *data, size_t size)
{
    char head[256];
    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", path);
    send_text(fd, head);
    while (size) {
        size_t n = size < 100000 ? size : 100000;
        snprintf(head, sizeof head, "%zx\r\n", n);
        send_text(fd, head);
        send_bytes(fd, data, n);
        send_text(fd, "\r\n");
        data += n;
        size -= n;
    }
    send_text(fd, "0\r\n\r\n");
    return read_answer(fd);
}

static void *run_client(void *arg)
{
    struct client *client = arg;
    char *data = malloc(client->size);
    int fd = host_connect(&host);
    for (int i = 0; i < client->rounds; i++) {
        fill(data, client->size, client->seed + (unsigned)i);
        struct answer answer = client->chunked ? send_chunked(fd, client->path, data, client->size)
                                               : exchange(fd, "POST", client->path, data, client->size);
        bool right = answer.status == 200 && answer.length == client->size && !memcmp(answer.body, data, client->size);
        if (!right)
            print_error("%s: %d, %zu bytes of %zu: %.200s\n", client->path, answer.status, answer.length, client->size,
                        answer.status == 200 ? "wrong bytes" : answer.body);
        client->wrong += !right;
        answer_fini(&answer);
    }
    close(fd);
    free(data);
    return NULL;
}

static void run_clients(struct client *clients, int n)
{
    for (int i = 0; i < n; i++) {
        clients[i].seed = (unsigned)i * 1000 + 1;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < n; i++)
        pthread_join(clients[i].thread, NULL);
    for (int i = 0; i < n; i++)
        assert_int_equal(clients[i].wrong, 0);
    await_at_most(&host, "in_flight", 0);
}

static void large_bodies_wait_for_each_other(void **state)
{
    (void)state;
    struct client clients[12];
    for (int i = 0; i < 12; i++)
        clients[i] = (struct client){
            .path = "/function/echo", .size = (size_t)(i % 4 + 1) * 3 * MIB, .rounds = 3, .chunked = i % 3 == 0};
    run_clients(clients, 12);
}

static void bodies_of_the_whole_arena_wait_for_each_other(void **state)
{
    (void)state;
    struct client clients[4];
    for (int i = 0; i < 4; i++)
        clients[i] = (struct client){.path = "/function/echo", .size = 16 * MIB, .rounds = 2, .chunked = i % 2};
    run_clients(clients, 4);
}

/* More requests at once than there are slots and places in the ring. */
static void many_small_ones_wait_for_slots(void **state)
{
    (void)state;
    struct client clients[100];
    for (int i = 0; i < 100; i++)
        clients[i] = (struct client){.path = i % 2 ? "/function/slow" : "/function/echo", .size = 100, .rounds = 20};
    run_clients(clients, 100);
}

/* Input, nested input, nested output and output of one request: four blocks in two arenas. */
static void nested_calls_wait_for_room(void **state)
{
    (void)state;
    struct client clients[6];
    for (int i = 0; i < 6; i++)
        clients[i] = (struct client){.path = "/function/nest", .size = 2 * MIB, .rounds = 3};
    run_clients(clients, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_bodies_wait_for_each_other),
        cmocka_unit_test(bodies_of_the_whole_arena_wait_for_each_other),
        cmocka_unit_test(many_small_ones_wait_for_slots),
        cmocka_unit_test(nested_calls_wait_for_room),
    };
    return cmocka_run_group_tests_name("engine back-pressure", tests, set_up, tear_down);
}
