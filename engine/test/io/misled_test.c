/* The io_uring backend does not believe a flag of work that the kernel has not. */
#include "common/test/test.h"
#include "engine/io/uring/private.h"
#include "engine/io/uring/uring.h"

#define WAIT_MS   100
#define TURNS_MAX 1000

static struct nw__uring *uring;
static unsigned turns, blind;

static void stop(void *arg)
{
    nw_io_stop(arg);
}

/* As the engine does: no sleep while there are events. The flag comes up once, as a late store of the kernel would set
 * it. */
static bool before_wait(void *arg)
{
    if (turns++ == 0)
        __atomic_fetch_or(uring->ring.sq.kflags, IORING_SQ_TASKRUN, __ATOMIC_RELAXED);
    blind += nw_io_is_blind(arg);
    return !nw_io_has_events(arg);
}

static void waits_although_work_is_flagged_that_is_not_there(void **state)
{
    char why[256];
    struct nw_io *io = nw_uring_new(why, sizeof why);
    struct nw_io_timer *timer;

    (void)state;
    if (!io) {
        print_message("skipped: %s\n", why);
        skip();
    }
    uring = (struct nw__uring *)io;
    timer = nw_io_timer_new(io, stop, io);
    nw_io_timer_start(timer, WAIT_MS, 0);
    nw_io_before_wait(io, before_wait, io);
    nw_io_run(io);
    assert_true(turns < TURNS_MAX);
    assert_true(blind > 0); /* it says so, until it has waited */
    nw_io_timer_free(timer);
    nw_io_before_wait(io, NULL, NULL);
    nw_io_free(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits_although_work_is_flagged_that_is_not_there)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
