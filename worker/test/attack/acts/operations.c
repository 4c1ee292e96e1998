/*
 * Operations of the gate with hostile arguments (row 22 of the threats), made from the table that declares them: one
 * argument at a time takes each hostile value of its kind while the others are sound; and all of them change, with the
 * memory behind them, while the monitor looks. And calls of functions that it may not call (row 39), by a function that
 * is built from this, too ("limited").
 */
#include "worker/test/attack/attack.h"
#include "worker/test/gate/op_table.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE        4096ul
#define KERNEL_HALF 0xffff800000000000ul
#define ROUNDS      400

/* The words of a call: the scalar, then the two pairs. */
struct words {
    uint64_t scalar, pair[2][2];
};

struct hostile {
    const char *what;
    uint64_t at, length;
};

/* One attack: what it tries, and what came of it. */
struct trial {
    struct attacker *attacker;
    const struct op_row *op;
    uint8_t *memory; /* 4 pages of the function's own */
    uint64_t base, end;
    unsigned cases, wrong;
    char first[160]; /* the first that was answered wrongly */
};

static long call(const struct op_row *op, const volatile struct words *w)
{
    return attack_gate_call(w->scalar << 32 | op->number, w->pair[0][0], w->pair[0][1], w->pair[1][0], w->pair[1][1]);
}

static bool holds(const struct trial *t, uint64_t at, uint64_t length)
{
    return length == 0 || (at >= t->base && at <= t->end && length <= t->end - at);
}

/* What the monitor must answer to a pair; 0: it takes it, as far as this argument goes. */
static long pair_answer(const struct trial *t, const struct op_argument *arg, uint64_t at, uint64_t length)
{
    switch (arg->kind) {
    case OP_NAME:
        return length == 0 || length > arg->max ? -EINVAL : holds(t, at, length) ? 0 : -EFAULT;
    case OP_SOURCE:
    case OP_TEXT:
        return length > arg->max ? -E2BIG : holds(t, at, length) ? 0 : -EFAULT;
    case OP_OVERLONG:
        return length > arg->max || holds(t, at, length) ? 0 : -EFAULT;
    case OP_SINK:
        return holds(t, at, length) ? 0 : -EFAULT;
    case OP_RECORD:
        return holds(t, at, arg->max) ? 0 : -EFAULT;
    case OP_NONE:
        return at | length ? -EINVAL : 0;
    case OP_UNUSED:
    case OP_ANY:
    case OP_FLAG:
    case OP_ROUTE:
        break;
    }
    return 0;
}

static void sound_pair(const struct trial *t, const struct op_argument *arg, uint64_t pair[2])
{
    pair[0] = arg->kind == OP_NONE ? 0 : (uint64_t)t->memory;
    pair[1] = arg->kind == OP_NONE ? 0 : strlen("hello");
    if (arg->kind == OP_SINK) {
        pair[0] += 2 * PAGE;
        pair[1] = PAGE;
    }
}

static long route_of_hello(const struct trial *t)
{
    return attack_gate_call(NW_OP_ROUTE, (uint64_t)t->memory, strlen("hello"), 0, 0);
}

static struct words sound(const struct trial *t)
{
    struct words w = {0};

    for (int i = 0; i < 2; i++)
        sound_pair(t, &t->op->pairs[i], w.pair[i]);
    if (t->op->scalar.kind == OP_ROUTE)
        w.scalar = (uint64_t)route_of_hello(t);
    return w;
}

static void expect(struct trial *t, const char *what, const struct words *w, long expected)
{
    long result = call(t->op, w);

    t->cases++;
    if (result == expected)
        return;
    if (t->wrong++ == 0)
        snprintf(t->first, sizeof(t->first), "; %s: %ld instead of %ld", what, result, expected);
}

static const char *verdict(struct trial *t)
{
    return attack_say(t->attacker, "%u wrong of %u%s", t->wrong, t->cases, t->first);
}

static struct trial begin(struct attacker *a)
{
    struct trial t = {.attacker = a};

    for (size_t i = 0; i < sizeof(op_rows) / sizeof(op_rows[0]); i++)
        if (op_rows[i].number == a->arg[1])
            t.op = &op_rows[i];
    t.memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(t.memory, "hello", sizeof("hello"));
    t.base = (uint64_t)syscall(SYS_brk, 0);
    t.end = t.base + NW_DOMAIN_RANGE;
    return t;
}

/* Of an argument that may be anything, no value lets another through that may not. */
static long refused_anyway(const struct trial *t, struct words *w)
{
    w->pair[0][0] = t->attacker->arg[0];
    return pair_answer(t, &t->op->pairs[0], w->pair[0][0], w->pair[0][1]);
}

static bool is_route(const struct op_argument *arg, uint32_t value)
{
    return arg->kind == OP_ROUTE && value < NW_DEPLOYED_MAX - 100;
}

static const char *try_scalar(struct attacker *a)
{
    static const uint32_t values[] = {2, 1000, 0x7fffffff, 0x80000000, 0xffffffff};
    struct trial t = begin(a);
    struct words w = sound(&t);
    const long expected = t.op->scalar.kind == OP_ANY ? refused_anyway(&t, &w) : -EINVAL;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        w.scalar = values[i];
        if (!is_route(&t.op->scalar, values[i]))
            expect(&t, "scalar", &w, expected);
    }
    return verdict(&t);
}

/* What GS points at: a page that every domain may read and only the monitor may write. */
static uint64_t shared_page(void)
{
    return __builtin_ia32_rdgsbase64();
}

static void hostile_pairs(struct trial *t, const struct op_argument *arg, struct words *w, uint64_t pair[2])
{
    const uint64_t page = shared_page(), own = (uint64_t)t->memory;
    const long anyway = arg->kind == OP_UNUSED ? refused_anyway(t, w) : 0;
    const struct hostile all[] = {
        {"a neighbour", t->attacker->arg[0], 16},
        {"the monitor's code", attack_gate, 16},
        {"the monitor's data", *(const uint64_t *)page, 16},
        {"the shared page", page, 16},
        {"unmapped memory", 64, 16},
        {"the kernel", KERNEL_HALF, 16},
        {"no address", 1ul << 47, 16},
        {"a range that wraps", -8ul, 16},
        {"a range that ends with the last address", -16ul, 16},
        {"the domain's end and one byte more", t->end - 15, 16},
        {"what follows the domain", t->end, 1},
        {"what precedes the domain", t->base - 1, 1},
        {"a range across the domain's start", t->base - 8, 16},
        {"SIZE_MAX bytes", own, SIZE_MAX},
        {"a length to the last address", own, -own},
        {"2^63 bytes", own, 1ul << 63},
        {"2^31 bytes before the end", t->end - (1ul << 31) + 1, 1ul << 31},
        {"one byte more than may be", own, arg->max + 1},
        {"a byte at a neighbour", t->attacker->arg[0], 1},
        {"nothing, but somewhere", t->attacker->arg[0], 0},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        long expected = anyway ? anyway : pair_answer(t, arg, all[i].at, all[i].length);

        pair[0] = all[i].at;
        pair[1] = all[i].length;
        if (expected)
            expect(t, all[i].what, w, expected);
    }
}

/* Names that lie in the domain and are none; the last ends where memory does. */
static void hostile_names(struct trial *t, struct words *w, uint64_t pair[2])
{
    static const struct {
        const char text[16];
        size_t length;
    } names[] = {{"", 4},         {"hel\0lo", 6}, {"../hello", 8}, {"hel/lo", 6}, {"Hello World", 11},
                 {"\xff\xfe", 2}, {"%s%n", 4}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        memcpy(t->memory + PAGE, names[i].text, sizeof(names[i].text));
        pair[0] = (uint64_t)t->memory + PAGE;
        pair[1] = names[i].length;
        expect(t, "a name that is none", w, -EINVAL);
    }
}

/* Addresses in the domain at which nothing is mapped. They can be refused only by an operation that touches them
 * before it answers. */
static void hostile_holes(struct trial *t, const struct op_argument *arg, struct words *w, uint64_t pair[2])
{
    bool answered_into = arg->kind == OP_SINK && t->op->number == NW_OP_CALL;

    if (arg->kind != OP_NAME && arg->kind != OP_TEXT && arg->kind != OP_SOURCE && arg->kind != OP_RECORD &&
        !answered_into)
        return;
    munmap(t->memory + 3 * PAGE, PAGE);
    pair[0] = (uint64_t)t->memory + 3 * PAGE;
    pair[1] = 16;
    expect(t, "a hole", w, -EFAULT);
    memset(t->memory + 2 * PAGE, 'a', PAGE);
    pair[0] -= 8;
    expect(t, "a range into a hole", w, -EFAULT);
}

static const char *try_pair(struct attacker *a, int which)
{
    struct trial t = begin(a);
    const struct op_argument *arg = &t.op->pairs[which];
    struct words w = sound(&t);

    hostile_pairs(&t, arg, &w, w.pair[which]);
    if (arg->kind == OP_NAME)
        hostile_names(&t, &w, w.pair[which]);
    hostile_holes(&t, arg, &w, w.pair[which]);
    munmap(t.memory, 4 * PAGE);
    return verdict(&t);
}

static const char *try_first(struct attacker *a)
{
    return try_pair(a, 0);
}

static const char *try_second(struct attacker *a)
{
    return try_pair(a, 1);
}

/* ---- everything changes meanwhile ---- */

struct race {
    struct trial *trial;
    struct words sound;
    volatile struct words words;
    volatile bool over;
};

static void *change(void *argument)
{
    struct race *race = argument;
    struct trial *t = race->trial;

    for (unsigned i = 0; !race->over && i < 100 * ROUNDS; i++) {
        const uint64_t *good = race->sound.pair[i & 1];
        volatile uint64_t *pair = race->words.pair[i & 1];

        pair[0] = i & 2 ? t->attacker->arg[0] : good[0];
        pair[1] = i & 4 ? SIZE_MAX : good[1];
        t->memory[2] = i & 8 ? '/' : 'l';
        if (i % 16 == 0) {
            uint8_t *page = t->memory + (i & 16 ? 2 * PAGE : 0); /* what is read, what is written */

            mprotect(page, PAGE, PROT_NONE);
            mprotect(page, PAGE, PROT_READ | PROT_WRITE);
        }
        pair[0] = good[0];
        pair[1] = good[1];
    }
    return NULL;
}

/* Taken, or refused for a reason that the arguments give; not with the secret as a result. */
static bool is_answer(long result)
{
    static const int reasons[] = {EFAULT, EINVAL, E2BIG, ENOENT, ENODATA, ENOBUFS, EIO, ELOOP, EBADF};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (result == -reasons[i])
            return true;
    return result >= 0 && (unsigned long)result <= NW_PAYLOAD_MAX;
}

/* Those that end an invocation or park a flow have one word that is never sound, behind the others. */
static struct words sound_or_refused(const struct trial *t)
{
    struct words w = sound(t);

    if (t->op->number == NW_OP_WAIT)
        w.pair[0][1] = SIZE_MAX;
    if (t->op->number == NW_OP_READY)
        w.pair[1][0] = 1;
    return w;
}

static const char *try_race(struct attacker *a)
{
    struct trial t = begin(a);
    struct race race = {.trial = &t, .sound = sound_or_refused(&t)};
    pthread_t thread;

    race.words = race.sound;
    if (pthread_create(&thread, NULL, change, &race) != 0)
        return "no thread";
    for (unsigned i = 0; i < ROUNDS; i++, t.cases++) {
        long result = call(t.op, &race.words);

        if (!is_answer(result) && t.wrong++ == 0)
            snprintf(t.first, sizeof(t.first), "; result %ld", result);
    }
    race.over = true;
    pthread_join(thread, NULL);
    munmap(t.memory, 4 * PAGE);
    return verdict(&t);
}

/* ---- calls that it may not make ---- */

static bool got_through(long result)
{
    return result != -EPERM && result != -EINVAL;
}

/* The numbers of routes are guessed. The names of others are known to anybody. */
static const char *try_beyond(struct attacker *a)
{
    struct trial t = begin(a);
    const uint64_t name = (uint64_t)t.memory, length = strlen("hello"), reply = name + 2 * PAGE;
    unsigned through = got_through(route_of_hello(&t));

    for (uint64_t route = 0; route < NW_DEPLOYED_MAX; route++)
        through += got_through(attack_gate_call(route << 32 | NW_OP_CALL, name, length, reply, PAGE));
    attack_gate_call(NW_OP_REPLY, reply, PAGE, 0, 0);
    through += got_through(attack_gate_call(NW_OP_CALL_NAME, name, length, name, length));
    munmap(t.memory, 4 * PAGE);
    return attack_say(a, "%u got through", through);
}

const struct attack attacks[] = {
    {"scalar", try_scalar}, {"first", try_first},   {"second", try_second},
    {"race", try_race},     {"beyond", try_beyond}, {0},
};
