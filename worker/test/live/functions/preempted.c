/*
 * A function that is preempted while every register that a program has holds something. Input: "registers ROUNDS", or
 * "malloc ROUNDS" to fight for the locks of its libc in as many threads as there are invocations, or "poll ROUNDS" to
 * look for what is ready without waiting for it, or "threads N" for so many threads that compute for ever, or "readers
 * N" for so many that wait for a pipe first, until "release N". Output: "sound", or what was not.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELD   50000 /* turns for which the registers are left alone: some ten microseconds */
#define BLOCKS 64

struct context {
    void *caller;
    faas_append_output_fn_t append;
};

/* As the assembly below has it. */
struct registers {
    uint64_t general[11]; /* rax rbx rdx rsi rbp r8 to r13 */
    uint64_t masks[8];
    uint16_t x87[8][8]; /* 80 bits of each */
    uint32_t mxcsr, fcw;
    uint8_t vectors[32][64];
};

_Static_assert(offsetof(struct registers, masks) == 88 && offsetof(struct registers, x87) == 152, "hold.S");
_Static_assert(offsetof(struct registers, mxcsr) == 280 && offsetof(struct registers, fcw) == 284, "hold.S");
_Static_assert(offsetof(struct registers, vectors) == 288, "hold.S");

/* Loads all registers from the first, leaves them alone for so many turns, and stores them in the second. */
void hold_avx512(const struct registers *from, struct registers *to, uint64_t turns);
void hold_avx(const struct registers *from, struct registers *to, uint64_t turns);

#define EACH_X87(op)                                                                                               \
    op " 152(%rdi)\n" op " 168(%rdi)\n" op " 184(%rdi)\n" op " 200(%rdi)\n" op " 216(%rdi)\n" op " 232(%rdi)\n" op \
       " 248(%rdi)\n" op " 264(%rdi)\n"

/* rdi stays what is read, then what is written, which the stack keeps; rcx counts. */
#define HOLD(name, load, store, before)                                                                                \
    __asm__(".text\n.globl " name "\n.hidden " name "\n.type " name ", @function\n" name ":\n"                         \
            "push %rbx\npush %rbp\npush %r12\npush %r13\npush %r14\npush %r15\npush %rsi\n"                            \
            "mov %rdx, %rcx\nfninit\n" EACH_X87(                                                                       \
                "fldt") "fldcw 284(%rdi)\nldmxcsr 280(%rdi)\n" load                                                    \
                        "mov 0(%rdi), %rax\nmov 8(%rdi), %rbx\nmov 16(%rdi), %rdx\nmov 24(%rdi), %rsi\nmov 32(%rdi), " \
                        "%rbp\n"                                                                                       \
                        "mov 40(%rdi), %r8\nmov 48(%rdi), %r9\nmov 56(%rdi), %r10\nmov 64(%rdi), %r11\nmov 72(%rdi), " \
                        "%r12\n"                                                                                       \
                        "mov 80(%rdi), %r13\n"                                                                         \
                        "1: dec %rcx\njnz 1b\n"                                                                        \
                        "pop %rdi\nmov %rax, 0(%rdi)\nmov %rbx, 8(%rdi)\nmov %rdx, 16(%rdi)\nmov %rsi, 24(%rdi)\n"     \
                        "mov %rbp, 32(%rdi)\nmov %r8, 40(%rdi)\nmov %r9, 48(%rdi)\nmov %r10, 56(%rdi)\nmov %r11, "     \
                        "64(%rdi)\n"                                                                                   \
                        "mov %r12, 72(%rdi)\nmov %r13, 80(%rdi)\n" store "stmxcsr 280(%rdi)\nfnstcw 284(%rdi)\n"       \
                        "fstpt 264(%rdi)\nfstpt 248(%rdi)\nfstpt 232(%rdi)\nfstpt 216(%rdi)\nfstpt 200(%rdi)\n"        \
                        "fstpt 184(%rdi)\nfstpt 168(%rdi)\nfstpt 152(%rdi)\n"                                          \
                        "push $0x1f80\nldmxcsr (%rsp)\npop %rax\nfninit\nvzeroupper\n"                                 \
                        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbp\npop %rbx\nret\n" before)

#define ALL_ZMM(text) \
    ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n" text "\n.endr\n"
#define ALL_YMM(text) ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n" text "\n.endr\n"
#define ALL_K(text)   ".irp n,0,1,2,3,4,5,6,7\n" text "\n.endr\n"

HOLD("hold_avx512", ALL_ZMM("vmovdqu64 288+64*\\n(%rdi), %zmm\\n") ALL_K("kmovq 88+8*\\n(%rdi), %k\\n"),
     ALL_ZMM("vmovdqu64 %zmm\\n, 288+64*\\n(%rdi)") ALL_K("kmovq %k\\n, 88+8*\\n(%rdi)"), "");
HOLD("hold_avx", ALL_YMM("vmovdqu 288+64*\\n(%rdi), %ymm\\n"), ALL_YMM("vmovdqu %ymm\\n, 288+64*\\n(%rdi)"), "");

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed;
}

/* Numbers that the x87 takes as they are, a rounding that is not the default, and no exception that would trap. */
static void fill(struct registers *r, uint64_t *seed)
{
    uint64_t *words = (uint64_t *)r;

    for (size_t i = 0; i < sizeof(*r) / sizeof(*words); i++)
        words[i] = next(seed);
    for (int i = 0; i < 8; i++) {
        r->x87[i][3] |= 0x8000;
        r->x87[i][4] = (uint16_t)(0x3fff + (next(seed) >> 60));
    }
    r->mxcsr = 0x1f80 | (uint32_t)(next(seed) >> 62) << 13;
    r->fcw = 0x37f | (uint32_t)(next(seed) >> 62) << 10;
}

static bool x87_equal(const struct registers *a, const struct registers *b)
{
    for (int i = 0; i < 8; i++)
        if (memcmp(a->x87[i], b->x87[i], 10) != 0)
            return false;
    return true;
}

static const char *compare(const struct registers *a, const struct registers *b, bool wide)
{
    if (memcmp(a->general, b->general, sizeof(a->general)) != 0)
        return "general registers";
    if (!x87_equal(a, b) || (uint16_t)a->fcw != (uint16_t)b->fcw)
        return "x87";
    if ((a->mxcsr ^ b->mxcsr) & 0xffc0)
        return "mxcsr";
    for (int i = 0; i < (wide ? 32 : 16); i++)
        if (memcmp(a->vectors[i], b->vectors[i], wide ? 64 : 32) != 0)
            return "vectors";
    return wide && memcmp(a->masks, b->masks, sizeof(a->masks)) != 0 ? "masks" : NULL;
}

static const char *registers(uint64_t rounds)
{
    const bool wide = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512f");
    uint64_t seed = (uint64_t)&wide;
    struct registers in, out;
    const char *wrong = NULL;

    for (uint64_t i = 0; i < rounds && !wrong; i++) {
        fill(&in, &seed);
        out = (struct registers){0};
        (wide ? hold_avx512 : hold_avx)(&in, &out, HELD);
        wrong = compare(&in, &out, wide);
    }
    return wrong;
}

/* Each round takes and gives back many blocks, which the others do, too. */
static const char *allocate(uint64_t rounds)
{
    uint64_t seed = rounds;
    char *blocks[BLOCKS];

    for (uint64_t i = 0; i < rounds; i++) {
        for (int b = 0; b < BLOCKS; b++) {
            const size_t size = 2000 + next(&seed) % 30000; /* too large for what a thread keeps for itself */

            blocks[b] = malloc(size);
            if (!blocks[b])
                return "no memory";
            blocks[b][0] = (char)b;
        }
        for (int b = 0; b < BLOCKS; b++) {
            if (blocks[b][0] != (char)b)
                return "another's block";
            free(blocks[b]);
        }
    }
    return NULL;
}

/* No signal is ever sent to it. */
static const char *look(uint64_t rounds)
{
    int n = 0;

    for (uint64_t i = 0; i < rounds && n == 0; i++)
        n = poll(NULL, 0, 0);
    return n == 0 ? NULL : n > 0 ? "ready" : strerrorname_np(errno);
}

static void *compute(void *unused)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
    return unused;
}

static const char *threads(uint64_t n, void *run(void *))
{
    pthread_t thread;

    for (uint64_t i = 0; i < n; i++)
        if (pthread_create(&thread, NULL, run, NULL) != 0)
            return "no thread";
    return NULL;
}

static int ends[2];

static void *read_and_compute(void *unused)
{
    char byte;

    return read(ends[0], &byte, 1) == 1 ? compute(unused) : NULL;
}

static const char *readers(uint64_t n)
{
    return pipe(ends) < 0 ? "no pipe" : threads(n, read_and_compute);
}

static const char *release(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (write(ends[1], "", 1) != 1)
            return "no write";
    return NULL;
}

static const char *try(const char *verb, uint64_t rounds)
{
    if (strcmp(verb, "malloc") == 0)
        return allocate(rounds);
    if (strcmp(verb, "threads") == 0)
        return threads(rounds, compute);
    if (strcmp(verb, "readers") == 0)
        return readers(rounds);
    if (strcmp(verb, "release") == 0)
        return release(rounds);
    return strcmp(verb, "poll") == 0 ? look(rounds) : registers(rounds);
}

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct context *context = malloc(sizeof(*context));

    (void)invoke_func_fn;
    if (!context)
        return -1;
    *context = (struct context){caller_context, append_output_fn};
    *worker_handle = context;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct context *context = worker_handle;
    unsigned long long rounds = 0;
    char text[64], verb[16];
    const char *wrong;

    snprintf(text, sizeof(text), "%.*s", (int)input_length, input);
    if (sscanf(text, "%15s %llu", verb, &rounds) != 2)
        return -1;
    wrong = try(verb, rounds);
    wrong = wrong ? wrong : "sound";
    context->append(context->caller, wrong, strlen(wrong));
    return 0;
}
