/* The wheel of timers, beside a model that looks at all of them. */
#include "common/test/test.h"
#include "engine/base/wheel.h"

#define TIMERS 300
#define ROUNDS 30000

static struct nw_wheel wheel;
static uint64_t seed = 1;

static uint64_t random_below(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* Near ones are common, and there are some of each level. */
static uint64_t random_span(void)
{
    return random_below(UINT64_C(1) << (1 + random_below(random_below(4) ? 14 : 45)));
}

/* What the wheel should know of each: 0 when it is not set. */
static struct model {
    struct nw_wheel_timer timer;
    uint64_t at;
} models[TIMERS];

static uint64_t now, last_due;

static uint64_t earliest(void)
{
    uint64_t first = NW_WHEEL_NEVER;
    for (int i = 0; i < TIMERS; i++)
        if (models[i].at && models[i].at < first)
            first = models[i].at;
    return first;
}

static void set(struct model *model, uint64_t at)
{
    nw_wheel_set(&wheel, &model->timer, at);
    model->at = at > wheel.now ? at : wheel.now + 1;
}

/* Each is due at its time, neither before nor after others that are due earlier. */
static void due(struct nw_wheel_timer *timer)
{
    struct model *model = nw_container(timer, struct model, timer);
    assert_false(nw_wheel_is_set(timer));
    assert_true(model->at && model->at <= now);
    assert_true(model->at >= last_due);
    assert_int_equal(model->at, earliest());
    last_due = model->at;
    model->at = 0;
    if (!random_below(4))
        set(model, now + random_span());
    if (!random_below(4)) { /* also one that would be due next */
        struct model *other = &models[random_below(TIMERS)];
        nw_wheel_stop(&wheel, &other->timer);
        other->at = 0;
    }
}

static void change_one(void)
{
    struct model *model = &models[random_below(TIMERS)];
    uint64_t at = now + random_span();
    switch (random_below(4)) {
    case 0:
        nw_wheel_stop(&wheel, &model->timer);
        model->at = 0;
        break;
    case 1:
        nw_wheel_set_by(&wheel, &model->timer, at);
        if (!model->at || model->at > at)
            model->at = at > wheel.now ? at : wheel.now + 1;
        break;
    default:
        set(model, random_below(8) ? at : now / 2);
    }
}

/* Some turns do all, others a few at a time, while timers are set and stopped between them. */
static void turn(void)
{
    unsigned most = random_below(3) ? UINT32_MAX : 1 + (unsigned)random_below(20);
    last_due = 0;
    if (nw_wheel_turn(&wheel, now, most))
        return;
    assert_true(earliest() > now);
    assert_true(nw_wheel_next(&wheel) <= earliest());
    assert_true(nw_wheel_next(&wheel) > now);
}

static void each_is_due_at_its_time_in_order(void **state)
{
    (void)state;
    now = 1000;
    nw_wheel_init(&wheel, now);
    for (int i = 0; i < TIMERS; i++)
        models[i] = (struct model){.timer.due = due};
    for (int round = 0; round < ROUNDS; round++) {
        for (uint64_t i = random_below(3); i; i--)
            change_one();
        if (random_below(3))
            now += random_below(50) ? random_below(100) : random_span();
        turn();
        if (round % 100 == 0)
            assert_true(nw_wheel_is_valid(&wheel));
    }
    for (int i = 0; i < TIMERS; i++)
        assert_int_equal(nw_wheel_is_set(&models[i].timer), models[i].at != 0);
}

/* Who sleeps until nw_wheel_next each time comes to each timer at its millisecond, and wakes up for nothing once for
 * each level at most. */
static void whoever_sleeps_until_the_next_is_in_time(void **state)
{
    static const uint64_t spans[] = {1, 63, 64, 65, 4095, 4096, 30000, 1000000, 3600000, UINT64_C(1) << 40};
    (void)state;
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        int wakes = 0;
        now = 123456789;
        nw_wheel_init(&wheel, now);
        for (int m = 0; m < TIMERS; m++)
            models[m] = (struct model){.timer.due = due};
        set(&models[0], now + spans[i]);
        while (nw_wheel_is_set(&models[0].timer) && models[0].at == 123456789 + spans[i]) {
            now = nw_wheel_next(&wheel);
            last_due = 0;
            nw_wheel_turn(&wheel, now, UINT32_MAX);
            wakes++;
        }
        assert_int_equal(now, 123456789 + spans[i]);
        assert_in_range(wakes, 1, NW_WHEEL_LEVELS);
    }
}

static unsigned n_due;

static void count(struct nw_wheel_timer *timer)
{
    (void)timer;
    n_due++;
}

/* So many at one time that a turn does not come through: it goes on where it was, and what is set meanwhile is due,
 * too. */
static void a_turn_does_no_more_than_it_is_told(void **state)
{
    struct model many[1000], late = {.timer.due = count};
    unsigned turns = 0;
    (void)state;
    n_due = 0;
    nw_wheel_init(&wheel, 0);
    for (int i = 0; i < 1000; i++) {
        many[i] = (struct model){.timer.due = count};
        nw_wheel_set(&wheel, &many[i].timer, 5000);
    }
    assert_false(nw_wheel_turn(&wheel, 4000, 10));
    while (nw_wheel_turn(&wheel, 6000, 10)) {
        assert_true(nw_wheel_is_valid(&wheel));
        assert_true(nw_wheel_next(&wheel) <= 6000);
        if (turns++ == 20)
            nw_wheel_set(&wheel, &late.timer, 5500);
        assert_in_range(turns, 1, 1000);
    }
    assert_int_equal(n_due, 1001);
    assert_in_range(turns, 100, 1000);
    assert_int_equal(nw_wheel_next(&wheel), NW_WHEEL_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_due_at_its_time_in_order),
        cmocka_unit_test(whoever_sleeps_until_the_next_is_in_time),
        cmocka_unit_test(a_turn_does_no_more_than_it_is_told),
    };
    return cmocka_run_group_tests_name("engine/wheel", tests, NULL, NULL);
}
