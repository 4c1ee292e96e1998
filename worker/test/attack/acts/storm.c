/*
 * A storm: several threads make system calls and operations of the gate at random, by the shortcut and by SYSCALL, with
 * arguments that are now and then what a call wants. Nothing is asked of the answers.
 */
#include "protect/rewrite/shortcut.h"
#include "worker/base/ops.h"
#include "worker/syscall/handlers.h"
#include "worker/test/attack/attack.h"
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE     (1ul << 20) /* of the memory that arguments point to */
#define PART     512         /* which is divided in parts, each of which is something */
#define PARTS    64
#define THREADS  3
#define CALLS    1500
#define ROUTES   4
#define SELDOM   64
#define NUMBERS  460
#define INPUT    70000
#define AT_FDCWD (-100)

struct storm {
    uint64_t state;
    uint64_t target;
    uint8_t *memory;
};

static const int listed[] = {
#define CALL(class, name, profiles, how, handler, rules, words) SYS_##name,
#include "worker/policy/policy.def"
#undef CALL
};

static uint64_t roll(struct storm *s, uint64_t below)
{
    uint64_t z = (s->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static uint64_t argument(struct storm *s)
{
    switch (roll(s, 12)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return s->target + roll(s, PART);
    case 3:
    case 4:
    case 5:
        return (uint64_t)s->memory + roll(s, PARTS) * PART;
    case 6:
    case 7:
        return roll(s, 12);
    case 8:
        return 1ull << roll(s, 64);
    case 9:
        return roll(s, PARTS) * 4096;
    case 10:
        return (uint64_t)AT_FDCWD;
    default:
        return roll(s, UINT64_MAX);
    }
}

/* What ends the function, or keeps a thread for long, is tried seldom. */
static uint64_t number(struct storm *s)
{
    uint64_t n = roll(s, 8) ? (uint64_t)listed[roll(s, sizeof(listed) / sizeof(listed[0]))] : roll(s, NUMBERS);

    switch (n) {
    case SYS_exit:
    case SYS_exit_group:
    case SYS_kill:
    case SYS_tkill:
    case SYS_tgkill:
    case SYS_clone:
    case SYS_pause:
    case SYS_arch_prctl:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_futex:
        return roll(s, SELDOM) ? SYS_getpid : n;
    default:
        return n;
    }
}

/* Memory that is given back or replaced is mostly not what the storm itself stands on. */
static void fill(struct storm *s, struct nw_shortcut_call *call)
{
    *call = (struct nw_shortcut_call){.number = number(s), .at = roll(s, UINT64_MAX)};
    for (int i = 0; i < 6; i++)
        call->args[i] = argument(s);
    if (call->number == SYS_mmap && roll(s, 2)) {
        call->args[2] = roll(s, 2) ? PROT_READ | PROT_EXEC : PROT_READ | PROT_WRITE;
        call->args[3] = roll(s, 2) ? MAP_PRIVATE : MAP_PRIVATE | MAP_ANONYMOUS;
    }
    if (call->number == SYS_munmap || call->number == SYS_mprotect)
        call->args[1] %= SIZE / 16;
}

static void trap(const struct nw_shortcut_call *call)
{
    register uint64_t r10 __asm__("r10") = call->args[3];
    register uint64_t r8 __asm__("r8") = call->args[4];
    register uint64_t r9 __asm__("r9") = call->args[5];
    long result;

    if (call->number == SYS_clone) /* the new thread would go on here, without a stack */
        return;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(call->number), "D"(call->args[0]), "S"(call->args[1]), "d"(call->args[2]), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
}

/* Not on route 0: the neighbour with the secret answers one at a time. */
static void operation(struct storm *s)
{
    uint64_t op = roll(s, NW_OP_SYSCALL);

    if ((op == NW_OP_WAIT || op == NW_OP_READY) && roll(s, SELDOM))
        return;
    attack_gate_call((1 + roll(s, ROUTES)) << 32 | op, argument(s), roll(s, INPUT), argument(s), roll(s, INPUT));
}

static void *rage(void *storm)
{
    struct storm *s = storm;
    struct nw_shortcut_call call;

    for (int i = 0; i < CALLS; i++) {
        fill(s, &call);
        switch (roll(s, 4)) {
        case 0:
        case 1:
            attack_gate_call(NW_OP_SYSCALL, (uint64_t)&call, 0, 0, 0);
            break;
        case 2:
            trap(&call);
            break;
        default:
            operation(s);
        }
    }
    return NULL;
}

/* Names, lists of pieces, times, files to wait for. */
static void furnish(uint8_t *memory)
{
    static const char *const names[] = {"/lib/x86_64-linux-gnu/libm.so.6",
                                        "/lib/x86_64-linux-gnu/libc.so.6",
                                        "/function/storm",
                                        "/usr/lib/",
                                        "/dev/null",
                                        "..",
                                        "",
                                        "hello"};

    for (size_t i = 0; i < PARTS; i++) {
        uint64_t *words = (uint64_t *)(memory + i * PART);

        if (i % 2)
            strcpy((char *)words, names[i / 2 % (sizeof(names) / sizeof(names[0]))]);
        for (uint64_t n = 0; i % 2 == 0 && n < PART / sizeof(*words); n++)
            words[n] = i % 4 == 0 ? (n % 2 ? n * 64 : (uint64_t)memory + n * PART) : 5ull << 32 | n % 12;
    }
}

static const char *try_storm(struct attacker *a)
{
    static struct storm storms[THREADS + 1];
    uint8_t *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t thread;

    furnish(memory);
    for (uint64_t i = 0; i <= THREADS; i++)
        storms[i] = (struct storm){.state = a->arg[1] << 8 | i, .target = a->arg[0], .memory = memory};
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, rage, &storms[i]);
    rage(&storms[THREADS]);
    return "over";
}

const struct attack attacks[] = {{"storm", try_storm}, {0}};
