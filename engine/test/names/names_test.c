/* Names in what functions may connect to: when they are looked up, how long they are waited for, what they stand for.
 */
#include "common/test/test.h"
#include "engine/names/lookup.h"
#include "engine/names/names.h"
#include "engine/serve/engine.h"
#include <stdio.h>
#include <string.h>

#define AGAIN 30000 /* as in names.c */

/* ---- the world: a clock, a thread that works when it is told to, a resolver ---- */

static struct {
    uint64_t now;
    void (*work)(void *arg), (*done)(void *arg);
    void *arg;
    const char *addresses; /* the last byte of each address of "here"; NULL: it is not found */
    unsigned lookups, known, changed, idle;
    size_t n_reached;
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

int nw__lookup_name(const struct nw_name_grant *name, struct nw_address_grant *to, unsigned most, const char **why)
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

unsigned nw__lookup_servers(struct nw_address_grant *to, unsigned most)
{
    assert_true(most > 0);
    *to = (struct nw_address_grant){.address = {[15] = 's'}, .prefix = 128, .port = 53};
    return 1;
}

static void known(void *arg)
{
    assert_ptr_equal(arg, &world);
    world.known++;
}

static void changed(void *arg)
{
    assert_ptr_equal(arg, &world);
    world.changed++;
}

static void idle(void *arg)
{
    assert_ptr_equal(arg, &world);
    world.idle++;
}

static const struct nw_names_events events = {.known = known, .changed = changed, .idle = idle};

static void thread_works(void)
{
    void (*work)(void *arg) = world.work;
    assert_non_null(work);
    world.work = NULL;
    work(world.arg);
    world.done(world.arg);
}

static struct nw_resolver resolver;
static struct nw_names *names;

static bool reaches(char last, uint16_t port)
{
    static struct nw_reach reach;
    nw_names_reach(names, &reach);
    world.n_reached = reach.n;
    for (size_t i = 0; i < reach.n; i++)
        if (reach.grants[i].address[15] == (uint8_t)last && reach.grants[i].port == port)
            return true;
    return false;
}

/* ---- one list ---- */

static int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    nw_resolver_init(&resolver, NULL, &events);
    names = nw_names_new(&resolver, "f", "here:443, 1.2.3.4:5", &world);
    world.addresses = "ba";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nw_names_free(names);
    return 0;
}

static void get_known(void)
{
    assert_false(nw_names_ready(names));
    thread_works();
    assert_true(nw_names_ready(names));
}

static void only_a_list_with_names_is_looked_up(void **state)
{
    (void)state;
    assert_false(nw_names_has("1.2.3.4:5"));
    assert_true(nw_names_has("here:443, 1.2.3.4:5"));
}

static void names_are_waited_for(void **state)
{
    (void)state;
    get_known();
    assert_int_equal(world.known, 1);
    assert_true(reaches('a', 443) && reaches('b', 443) && reaches(4, 5) && reaches('s', 53));
    assert_int_equal(world.n_reached, 4);
}

static void names_are_looked_up_again(void **state)
{
    (void)state;
    get_known();
    world.now += AGAIN - 1;
    nw_resolver_tick(&resolver);
    assert_null(world.work);
    world.now++;
    nw_resolver_tick(&resolver);
    world.addresses = "ab"; /* the same, turned round */
    thread_works();
    assert_int_equal(world.changed, 0);
    world.now += AGAIN;
    nw_resolver_tick(&resolver);
    world.addresses = "ac";
    thread_works();
    assert_int_equal(world.changed, 1);
    assert_true(reaches('a', 443) && reaches('c', 443) && !reaches('b', 443));
}

static void what_is_not_found_stays_as_it_was(void **state)
{
    (void)state;
    get_known();
    world.now += AGAIN;
    nw_resolver_tick(&resolver);
    world.addresses = NULL;
    thread_works();
    assert_int_equal(world.changed, 0);
    assert_true(reaches('a', 443) && reaches('b', 443));
}

/* A name server that does not answer keeps a function only for some seconds. */
static void patience_ends(void **state)
{
    (void)state;
    assert_false(nw_names_ready(names));
    nw_resolver_tick(&resolver);
    assert_int_equal(world.known, 0);
    world.now += 5000;
    nw_resolver_tick(&resolver);
    assert_int_equal(world.known, 1);
    assert_true(nw_names_ready(names));
    assert_true(reaches(4, 5)); /* the address in the list */
    assert_int_equal(world.n_reached, 1);
    thread_works();
    assert_int_equal(world.known, 1);
    assert_int_equal(world.changed, 1);
    assert_true(reaches('a', 443));
}

/* The other thread uses them: they may not be freed before it is done. */
static void the_end_waits_for_the_thread(void **state)
{
    (void)state;
    assert_false(nw_names_ready(names));
    assert_true(nw_names_busy(names));
    nw_names_stop(names);
    thread_works();
    assert_false(nw_names_busy(names));
    assert_int_equal(world.idle, 1);
    assert_int_equal(world.known, 0);
    world.now += AGAIN;
    nw_resolver_tick(&resolver);
    assert_null(world.work);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_a_list_with_names_is_looked_up), TEST(names_are_waited_for), TEST(names_are_looked_up_again),
        TEST(what_is_not_found_stays_as_it_was),   TEST(patience_ends),        TEST(the_end_waits_for_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
