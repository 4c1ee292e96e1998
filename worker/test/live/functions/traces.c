/*
 * A function for tests that is caller and callee: input "fill NAME" leaves a pattern in all vector registers, the x87
 * stack, its addresses and status and calls NAME ("wide NAME" in the registers of AVX-512, too, "tile NAME" in the
 * configuration of AMX); an input of eight bytes, the address of the caller's operand, answers what is found of that:
 * "clean", or where.
 */
#include "protect/gate/state.h"
#include <faas/worker_v1_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN 0xa5a5a5a5a5a5a5a5ull

struct traces {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

static struct {
    uint8_t legacy[512] __attribute__((aligned(64)));
    uint32_t environment[7]; /* FXSAVE leaves addresses out where no exception waits */
    uint64_t high[16][4];
    uint64_t wide[32][8], masks[8];
} seen;
static int wide, tiles; /* the CPU has AVX-512, AMX */
static uint8_t shape[64] __attribute__((aligned(64))) = {1 /* the palette */, [16] = 64 /* columns */, [48] = 16};
static uint8_t seen_shape[64] __attribute__((aligned(64)));
static const uint64_t pattern[4] = {PATTERN, PATTERN, PATTERN, PATTERN};
static const uint32_t flagged = 0x1fbf; /* MXCSR: all flags, as if results had been inexact and worse */
static double operand = 1.1;

#define OPERAND_AT 5 /* in the environment */

int faas_init(void)
{
    wide = __builtin_cpu_supports("avx512f") != 0;
    tiles = (nw_state_here() & NW_STATE_TILES) != 0;
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct traces *t = malloc(sizeof(*t));

    if (!t)
        return -1;
    *t = (struct traces){caller_context, invoke_func_fn, append_output_fn};
    *worker_handle = t;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

#define EACH(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define FILL(n)  "vmovups %[pattern], %%ymm" #n "\n\t"
#define SAVE(n)  "vmovups %%ymm" #n ", 32*" #n "(%[high])\n\t"

#define EACH_WIDE(op) \
    EACH(op)          \
    op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23) op(24) op(25) op(26) op(27) op(28) op(29) op(30) op(31)
#define EACH_MASK(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)
#define FILL_WIDE(n)  "vpbroadcastq %[pattern], %%zmm" #n "\n\t"
#define SAVE_WIDE(n)  "vmovups %%zmm" #n ", 64*" #n "(%[wide])\n\t"
#define FILL_MASK(n)  "kmovw %[pattern], %%k" #n "\n\t"
#define SAVE_MASK(n)  "kmovw %%k" #n ", 8*" #n "(%[masks])\n\t"

static void fill_wide(void)
{
    __asm__ volatile(EACH_WIDE(FILL_WIDE) EACH_MASK(FILL_MASK) : : [pattern] "m"(pattern));
}

/* First of all: libc uses some of these. */
static inline __attribute__((always_inline)) void save_wide(void)
{
    if (wide)
        __asm__ volatile(EACH_WIDE(SAVE_WIDE) EACH_MASK(SAVE_MASK)
                         :
                         : [wide] "r"(seen.wide), [masks] "r"(seen.masks)
                         : "memory");
}

/* The x87 holds the pattern in its data, addresses of this function, MXCSR flags. */
static void fill(void)
{
    __asm__ volatile("fninit\n\t"
                     "movq %[pattern], %%mm0; movq %%mm0, %%mm1; movq %%mm0, %%mm2; movq %%mm0, %%mm3\n\t"
                     "movq %%mm0, %%mm4; movq %%mm0, %%mm5; movq %%mm0, %%mm6; movq %%mm0, %%mm7; emms\n\t"
                     "fldl %[operand]; fstp %%st(0)\n\t" EACH(FILL) "ldmxcsr %[flagged]\n\t"
                     :
                     : [pattern] "m"(pattern), [operand] "m"(operand), [flagged] "m"(flagged));
}

/* A status that is not 0, which the gate clears in another way: it holds flags. */
static void add_flags(void)
{
    __asm__ volatile("fld1; fldz; fdivrp; fstp %st(0)");
}

/* `operand_at` is where the caller keeps what it loaded. */
static const char *look(uint64_t operand_at)
{
    if (seen.legacy[2] || seen.legacy[3])
        return "the x87 status";
    if ((seen.legacy[24] & 0x3f) != 0)
        return "flags in MXCSR";
    for (int i = 0; i < 8; i++)
        if (memcmp(seen.legacy + 32 + 16 * i, pattern, 8) == 0)
            return "an x87 register";
    if (seen.environment[OPERAND_AT] == (uint32_t)operand_at)
        return "an x87 address";
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 4; k++)
            if (seen.high[i][k] == PATTERN)
                return "a vector register";
    for (int i = 0; i < 32; i++)
        for (int k = 0; k < 8; k++)
            if (seen.wide[i][k] == PATTERN)
                return "a wide register";
    for (int i = 0; i < 8; i++)
        if (seen.masks[i] == (uint16_t)PATTERN)
            return "a mask register";
    if (memcmp(seen_shape, shape, sizeof(shape)) == 0)
        return "the configuration of tiles";
    return "clean";
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct traces *t = worker_handle;
    uint64_t operand_at = (uint64_t)&operand;
    const char *output = NULL, *answer;
    char name[64] = "";
    size_t length;

    save_wide();
    if (tiles)
        __asm__ volatile("sttilecfg %0" : "=m"(seen_shape));
    __asm__ volatile("fxsave64 %[legacy]; fnstenv %[environment]; fldenv %[environment]\n\t" EACH(SAVE)
                     : [legacy] "=m"(seen.legacy), [environment] "=m"(seen.environment)
                     : [high] "r"(seen.high)
                     : "memory");
    if (input_length == sizeof(operand_at)) {
        memcpy(&operand_at, input, sizeof(operand_at));
        answer = look(operand_at);
        t->append(t->context, answer, strlen(answer));
        return 0;
    }
    if (input_length < 5 || input_length > sizeof(name))
        return 1;
    memcpy(name, input + 5, input_length - 5);
    t->invoke(t->context, name, (const char *)&operand_at, sizeof(operand_at), &output,
              &length); /* so that the next one takes the short way */
    for (int flags = 0; flags < 2; flags++) {
        fill();
        if (flags)
            add_flags();
        if (input[0] == 'w')
            fill_wide();
        if (input[0] == 't')
            __asm__ volatile("ldtilecfg %0" : : "m"(shape));
        if (t->invoke(t->context, name, (const char *)&operand_at, sizeof(operand_at), &output, &length))
            return 1;
        t->append(t->context, output, length);
    }
    return 0;
}
