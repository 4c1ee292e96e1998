/* Names in what functions may connect to: when they are looked up, what a deployment waits for, what workers are told.
 */
#include "common/test/test.h"
#include "engine/control/deployments.h"
#include "engine/control/seat.h"
#include "engine/control/worker.h"
#include "engine/names/lookup.h"
#include "engine/names/names.h"
#include "engine/serve/engine.h"
#include <stdio.h>
#include <string.h>

#define AGAIN 30000 /* as in names.c */

/* ---- the world: a clock, a thread that works when it is told to, a resolver, a worker ---- */

static struct {
    uint64_t now;
    void (*work)(void *arg), (*done)(void *arg);
    void *arg;
    const char *addresses; /* the last byte of each address of "here"; NULL: it is not found */
    unsigned lookups, messages, known;
    struct nw_address_grant told[64];
    size_t n_told;
} world;

uint64_t nw_io_now(const struct nw_io *io)
{
    (void)io;
    return world.now;
}

int nw_io_offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    (void)io;
    assert_null(world.work);
    world.work = work;
    world.done = done;
    world.arg = arg;
    return 0;
}

int nw_lookup_name(const struct nw_name_grant *name, struct nw_address_grant *to, unsigned most, const char **why)
{
    int n = 0;
    assert_string_equal(name->name, "here");
    world.lookups++;
    *why = "not found";
    if (!world.addresses)
        return -1;
    for (const char *at = world.addresses; *at && (unsigned)n < most; at++)
        to[n++] = (struct nw_address_grant){.address = {[15] = (uint8_t)*at}, .prefix = 128, .port = name->port};
    return n;
}

unsigned nw_lookup_servers(struct nw_address_grant *to, unsigned most)
{
    assert_true(most > 0);
    *to = (struct nw_address_grant){.address = {[15] = 's'}, .prefix = 128, .port = 53};
    return 1;
}

void nw_worker_tell(struct nw_worker *worker, const struct nw_control *head, const char *text, size_t length,
                    const int *fds, int n_fds)
{
    (void)worker;
    (void)fds;
    assert_int_equal(head->kind, NW_CONTROL_REACH);
    assert_int_equal(n_fds, 0);
    assert_true(length <= sizeof world.told);
    memcpy(world.told, text, length);
    world.n_told = length / sizeof *world.told;
    world.messages++;
}

void nw_deployment_names_known(struct nw_deployment *deployment)
{
    (void)deployment;
    world.known++;
}

static void thread_works(void)
{
    void (*work)(void *arg) = world.work;
    assert_non_null(work);
    world.work = NULL;
    work(world.arg);
    world.done(world.arg);
}

static bool is_told(char last, uint16_t port)
{
    for (size_t i = 0; i < world.n_told; i++)
        if (world.told[i].address[15] == (uint8_t)last && world.told[i].port == port)
            return true;
    return false;
}

/* ---- one deployment with one replica ---- */

static struct nw_engine engine;
static struct nw_deployment deployment;
static struct nw_replica replica;
static struct nw_seat seat; /* its worker is the test */

static int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    engine = (struct nw_engine){.lookups = 0};
    deployment = (struct nw_deployment){.engine = &engine, .state = NW_DEPLOYMENT_LOADING, .version = {.number = 7}};
    replica = (struct nw_replica){.deployment = &deployment, .seat = &seat};
    snprintf(deployment.manifest.connect, sizeof deployment.manifest.connect, "here:443, 1.2.3.4:5");
    nw_list_init(&engine.deployments);
    nw_list_init(&deployment.replicas);
    nw_list_append(&engine.deployments, &deployment.link);
    nw_list_append(&deployment.replicas, &replica.of_deployment);
    world.addresses = "ba";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nw_names_free(&deployment);
    return 0;
}

static void load(void)
{
    assert_false(nw_names_ready(&deployment));
    thread_works();
    assert_true(nw_names_ready(&deployment));
    replica.state = NW_REPLICA_LOADING;
    nw_names_tell(&replica);
}

static void a_list_without_names_waits_for_nothing(void **state)
{
    (void)state;
    snprintf(deployment.manifest.connect, sizeof deployment.manifest.connect, "1.2.3.4:5");
    assert_true(nw_names_ready(&deployment));
    nw_names_tell(&replica);
    assert_int_equal(world.messages, 0);
}

static void a_deployment_waits_for_its_names(void **state)
{
    (void)state;
    load();
    assert_int_equal(world.known, 1);
    assert_int_equal(world.messages, 1);
    assert_int_equal(world.n_told, 4);
    assert_true(is_told('a', 443) && is_told('b', 443) && is_told(4, 5) && is_told('s', 53));
}

static void names_are_looked_up_again(void **state)
{
    (void)state;
    load();
    world.now += AGAIN - 1;
    nw_names_tick(&engine);
    assert_null(world.work);
    world.now++;
    nw_names_tick(&engine);
    world.addresses = "ab"; /* the same, turned round */
    thread_works();
    assert_int_equal(world.messages, 1);
    world.now += AGAIN;
    nw_names_tick(&engine);
    world.addresses = "ac";
    thread_works();
    assert_int_equal(world.messages, 2);
    assert_true(is_told('a', 443) && is_told('c', 443) && !is_told('b', 443));
}

static void what_is_not_found_stays_as_it_was(void **state)
{
    (void)state;
    load();
    world.now += AGAIN;
    nw_names_tick(&engine);
    world.addresses = NULL;
    thread_works();
    assert_int_equal(world.messages, 1);
    nw_names_tell(&replica);
    assert_true(is_told('a', 443) && is_told('b', 443));
}

/* A name server that does not answer keeps a function only for some seconds. */
static void patience_ends(void **state)
{
    (void)state;
    assert_false(nw_names_ready(&deployment));
    nw_names_tick(&engine);
    assert_int_equal(world.known, 0);
    world.now += 5000;
    nw_names_tick(&engine);
    assert_int_equal(world.known, 1);
    assert_true(nw_names_ready(&deployment));
    replica.state = NW_REPLICA_LOADING;
    nw_names_tell(&replica);
    assert_int_equal(world.n_told, 1); /* the address in the list */
    thread_works();
    assert_int_equal(world.known, 1);
    assert_true(is_told('a', 443));
}

/* The other thread uses the deployment: it may not be freed before it is done. */
static void the_end_waits_for_the_thread(void **state)
{
    (void)state;
    assert_false(nw_names_ready(&deployment));
    assert_true(nw_names_busy(&deployment));
    deployment.state = NW_DEPLOYMENT_RETIRING;
    thread_works();
    assert_false(nw_names_busy(&deployment));
    assert_true(engine.reap);
    assert_int_equal(world.known, 0);
    world.now += AGAIN;
    nw_names_tick(&engine);
    assert_null(world.work);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_list_without_names_waits_for_nothing),
        TEST(a_deployment_waits_for_its_names),
        TEST(names_are_looked_up_again),
        TEST(what_is_not_found_stays_as_it_was),
        TEST(patience_ends),
        TEST(the_end_waits_for_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
