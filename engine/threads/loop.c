/*
 * The turn of the loop. While a few invocations run the engine looks at its rings itself for a moment before it sleeps,
 * so that a quick answer costs no wake-up; when that moment was in vain a few times it stops doing so, and tries again
 * now and then.
 */
#include "engine/threads/loop.h"
#include "common/base/atomic.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "engine/dispatch/count.h"
#include "engine/dispatch/dispatch.h"
#include "engine/dispatch/expire.h"
#include "engine/dispatch/nested.h"
#include "engine/dispatch/receive.h"
#include "engine/gateway/output.h"
#include "engine/http/http.h"
#include "engine/io/choice/choice.h"
#include "engine/logs/access.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/serve/invocation.h"
#include "engine/serve/link.h"
#include "engine/serve/role.h"
#include <stdlib.h>
#include <string.h>

#define TICK_MS        100
#define DUE_MOST       256 /* deadlines that one turn looks at */
#define SPIN_NS        20000
#define SPIN_CHECKS    16 /* looks at the rings between two looks at the clock */
#define SPIN_IN_FLIGHT 4  /* more invocations share the wake-up that looking would save, and workers need the CPU */

static struct nw_link *link_at(struct nw_list *at)
{
    return nw_container(at, struct nw_link, awake);
}

static bool some_ring_has_input(struct nw_engine *engine)
{
    nw_list_each(&engine->awake, at, after) if (nw_link_has_input(link_at(at))) return true;
    return false;
}

/* Looks for a while, or until the kernel has something else to do, if that pays. */
static bool spin(struct nw_engine *engine)
{
    if (!engine->in_flight || engine->in_flight > SPIN_IN_FLIGHT || nw_list_empty(&engine->awake))
        return false;
    if (nw_io_is_blind(engine->io)) /* it would see no socket meanwhile */
        return false;
    if (!nw_credit_allows(&engine->spin_credit))
        return false;
    uint64_t end = nw_clock_ns() + SPIN_NS;
    do {
        for (int i = 0; i < SPIN_CHECKS; i++) {
            if (some_ring_has_input(engine)) {
                nw_credit_paid(&engine->spin_credit);
                return true;
            }
            nw_spin_pause();
        }
        if (nw_io_has_events(engine->io))
            return false;
    } while (nw_clock_ns() < end);
    nw_credit_vain(&engine->spin_credit);
    return false;
}

static void flush_servers(struct nw_engine *engine)
{
    nw_http_server_flush(engine->gateway);
    if (engine->admin)
        nw_http_server_flush(engine->admin);
    if (engine->metrics)
        nw_http_server_flush(engine->metrics);
}

static bool servers_are_flushed(const struct nw_engine *engine)
{
    return nw_http_server_is_flushed(engine->gateway) && (!engine->admin || nw_http_server_is_flushed(engine->admin)) &&
           (!engine->metrics || nw_http_server_is_flushed(engine->metrics));
}

/* Whether something waits for the next turn. */
static bool something_waits(const struct nw_engine *engine)
{
    return !servers_are_flushed(engine) || engine->late || !nw_list_empty(&engine->chores) ||
           !nw_list_empty(&engine->broken) || engine->again || !nw_list_empty(&engine->orphan) ||
           !nw_list_empty(&engine->uncap) || !nw_list_empty(&engine->wanted) || nw_spool_has_marked(&engine->spool) ||
           (engine->spool.given && !nw_list_empty(&engine->owing));
}

/* Everything that can be done without the kernel telling us anything new. The number of descriptors that came in. Rings
 * are read before deadlines are looked at: an engine that was itself stopped for long blames no worker that answered.
 */
static unsigned work(struct nw_engine *engine)
{
    unsigned taken = 0;
    flush_servers(engine);
    nw_list_each(&engine->awake, at, after) taken += nw_receive(link_at(at));
    engine->late = nw_wheel_turn(&engine->wheel, nw_io_now(engine->io), DUE_MOST);
    engine->role->tend(engine);
    engine->again = false;
    nw_nested_cancel(engine);
    nw_chores_work(&engine->chores);
    nw_dispatch_retry_moved(engine);
    nw_spool_bury(&engine->spool);
    if (engine->spool.given)
        nw_dispatch_retry_owing(engine);
    nw_dispatch_retry_capped(engine);
    nw_dispatch_pump(engine);
    flush_servers(engine);
    nw_dispatch_pump(engine);
    nw_list_each(&engine->awake, at, after) nw_link_notify(link_at(at));
    return taken;
}

/* An alarm that is too early does no harm. */
static void set_alarm(struct nw_engine *engine)
{
    uint64_t next = nw_wheel_next(&engine->wheel), now = nw_io_now(engine->io);
    if (next >= engine->alarm_at)
        return;
    engine->alarm_at = next;
    nw_io_timer_start(engine->alarm, next > now ? next - now : 1, 0);
}

static bool all_asleep(struct nw_engine *engine)
{
    nw_list_each(&engine->awake, at, after) if (!nw_link_sleep(link_at(at))) return false;
    return true;
}

/* Whether the loop may wait. */
static bool turn(struct nw_engine *engine)
{
    unsigned taken = work(engine);
    if (!taken && nw_io_has_queued(engine->io))
        return false;
    if (!taken && spin(engine))
        taken = work(engine);
    /* While answers stream in, sockets are looked at between them, but nobody sleeps. */
    if (something_waits(engine) || (taken && engine->in_flight) || nw_io_has_events(engine->io))
        return false;
    set_alarm(engine);
    return all_asleep(engine);
}

static bool before_wait(void *arg)
{
    bool may_wait = turn(arg);
    nw_count_forget_time(arg);
    return may_wait;
}

static void tick(void *arg)
{
    struct nw_engine *engine = arg;
    nw_http_server_tick(engine->gateway);
    if (engine->access)
        nw_access_tick(engine->access);
    nw_outputs_tick(engine);
    nw_dispatch_retry_owing(engine); /* a client may be slow for long enough now to be cut off */
    engine->role->tick(engine);
}

static void alarmed(void *arg)
{
    struct nw_engine *engine = arg;
    engine->alarm_at = NW_WHEEL_NEVER; /* the turn that follows finds what is due */
}

static void look_again(void *arg)
{
    (void)arg; /* that the loop turned is all that was wanted */
}

static void make_io(struct nw_engine *engine)
{
    char why[256];
    engine->io = nw_io_new(engine->options.io, why, sizeof why);
    if (!engine->io)
        nw_die_system("cannot make the event loop: --io %s: %s", nw_io_kind_name(engine->options.io), why);
    if (*why)
        nw_log(NW_LOG_INFO, "serves through libuv, because io_uring is not usable: %s", why);
}

void nw_loop_init(struct nw_engine *engine, const struct nw_role *role)
{
    engine->role = role;
    nw_functions_init(engine);
    nw_list_init(&engine->awake);
    nw_list_init(&engine->broken);
    nw_list_init(&engine->orphan);
    nw_list_init(&engine->pump);
    nw_list_init(&engine->uncap);
    nw_list_init(&engine->wanted);
    nw_list_init(&engine->chores);
    nw_list_init(&engine->moving);
    nw_list_init(&engine->moved);
    nw_list_init(&engine->lent);
    nw_list_init(&engine->owing);
    nw_spool_init(&engine->spool, engine->options.payload_memory / engine->options.threads, engine->options.body_limit);
    nw_list_init(&engine->free_invocations);
    engine->spin_credit.left = NW_CREDIT_MOST;
    make_io(engine);
    engine->tick = nw_io_timer_new(engine->io, tick, engine);
    engine->retry = nw_io_timer_new(engine->io, look_again, engine);
    engine->alarm = nw_io_timer_new(engine->io, alarmed, engine);
    engine->alarm_at = NW_WHEEL_NEVER;
    nw_wheel_init(&engine->wheel, nw_io_now(engine->io));
    engine->invocation_due = nw_expire_due;
    if (!engine->tick || !engine->retry || !engine->alarm)
        nw_die_system("cannot make the event loop: out of memory");
}

void nw_loop_run(struct nw_engine *engine)
{
    nw_io_timer_start(engine->tick, TICK_MS, TICK_MS);
    nw_io_before_wait(engine->io, before_wait, engine);
    nw_io_run(engine->io);
    nw_io_before_wait(engine->io, NULL, NULL);
}

void nw_loop_close(struct nw_engine *engine)
{
    nw_io_timer_free(engine->tick);
    nw_io_timer_free(engine->retry);
    nw_io_timer_free(engine->alarm);
    nw_io_free(engine->io);
    nw_http_server_free(engine->gateway);
    nw_access_free(engine->access);
    nw_invocations_fini(engine);
}
