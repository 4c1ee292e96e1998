/*
 * A function for the test that steps through the gate. It crosses in every way again and again (a nested call, a
 * system call that the monitor answers, one that the kernel carries out with the domain's rights, an operation of the
 * gate that does not exist), and checks what it gets back: results, registers, floating point control, thread pointer.
 *
 * Input: how many rounds. Output: "sound", or the first thing that was not.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MXCSR_ROUND_UP 0x5f80
#define FCW_DOUBLE     0x27f
#define REGISTERS      12
#define VECTORS        16

struct stepped {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

struct vectors {
    uint64_t words[VECTORS][2];
};

static uint64_t gate;
static __thread uint64_t own = 0x1234567;

/* ld.so hands constructors what it got itself; the stub's first argument is the address of the gate. */
__attribute__((constructor)) static void find_gate(int argc, char **argv)
{
    if (argc > 1)
        gate = strtoul(argv[1], NULL, 16);
}

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct stepped *s = malloc(sizeof(*s));

    if (!s)
        return -1;
    *s = (struct stepped){caller_context, invoke_func_fn, append_output_fn};
    *worker_handle = s;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

/* An operation that does not exist, with a value in each register that the gate must give back. */
static const char *bare_gate(void)
{
    uint64_t r[6] = {0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6};
    uint64_t *at = r, op = 99, entry = gate;
    long result;

    __asm__ volatile("pushq %%rbx; pushq %%rbp; pushq %%r12; pushq %%r13; pushq %%r14; pushq %%r15; pushq %[r]\n\t"
                     "movq (%[r]), %%rbx; movq 8(%[r]), %%rbp; movq 16(%[r]), %%r12; movq 24(%[r]), %%r13\n\t"
                     "movq 32(%[r]), %%r14; movq 40(%[r]), %%r15\n\t"
                     "call *%%rax\n\t"
                     "movq %%rax, %%rcx; popq %%rax\n\t"
                     "movq %%rbx, (%%rax); movq %%rbp, 8(%%rax); movq %%r12, 16(%%rax); movq %%r13, 24(%%rax)\n\t"
                     "movq %%r14, 32(%%rax); movq %%r15, 40(%%rax)\n\t"
                     "popq %%r15; popq %%r14; popq %%r13; popq %%r12; popq %%rbp; popq %%rbx\n\t"
                     : "=&c"(result), "+a"(entry), "+D"(op), [r] "+d"(at)
                     :
                     : "rsi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    for (uint64_t i = 0; i < 6; i++)
        if (r[i] != 0xb1 + i)
            return "a register that a call preserves differs";
    return result == -ENOSYS ? NULL : "an operation that does not exist has a result";
}

/* A system call with a value in every register, which all but RAX, RCX and R11 keep. Returns its result. */
static long full_call(long number, uint64_t arg, const char **wrong)
{
    static const struct vectors given = {{{1, 2},
                                          {3, 4},
                                          {5, 6},
                                          {7, 8},
                                          {9, 10},
                                          {11, 12},
                                          {13, 14},
                                          {15, 16},
                                          {17, 18},
                                          {19, 20},
                                          {21, 22},
                                          {23, 24},
                                          {25, 26},
                                          {27, 28},
                                          {29, 30},
                                          {31, 32}}};
    static struct vectors got;
    uint64_t r[REGISTERS] = {arg, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac};
    const struct vectors *vectors = &given;
    long result = number;

    __asm__ volatile(
        "pushq %%rbx; pushq %%rbp; pushq %%r12; pushq %%r13; pushq %%r14; pushq %%r15; pushq %%rdi\n\t"
        "movups 0(%%rsi), %%xmm0; movups 16(%%rsi), %%xmm1; movups 32(%%rsi), %%xmm2; movups 48(%%rsi), %%xmm3\n\t"
        "movups 64(%%rsi), %%xmm4; movups 80(%%rsi), %%xmm5; movups 96(%%rsi), %%xmm6; movups 112(%%rsi), %%xmm7\n\t"
        "movups 128(%%rsi), %%xmm8; movups 144(%%rsi), %%xmm9; movups 160(%%rsi), %%xmm10\n\t"
        "movups 176(%%rsi), %%xmm11; movups 192(%%rsi), %%xmm12; movups 208(%%rsi), %%xmm13\n\t"
        "movups 224(%%rsi), %%xmm14; movups 240(%%rsi), %%xmm15\n\t"
        "movq 8(%%rdi), %%rsi; movq 16(%%rdi), %%rdx; movq 24(%%rdi), %%r10; movq 32(%%rdi), %%r8\n\t"
        "movq 40(%%rdi), %%r9; movq 48(%%rdi), %%rbx; movq 56(%%rdi), %%rbp; movq 64(%%rdi), %%r12\n\t"
        "movq 72(%%rdi), %%r13; movq 80(%%rdi), %%r14; movq 88(%%rdi), %%r15; movq (%%rdi), %%rdi\n\t"
        "syscall\n\t"
        "movq (%%rsp), %%rcx; movq %%rdi, (%%rcx); movq %%rsi, 8(%%rcx); movq %%rdx, 16(%%rcx)\n\t"
        "movq %%r10, 24(%%rcx); movq %%r8, 32(%%rcx); movq %%r9, 40(%%rcx); movq %%rbx, 48(%%rcx)\n\t"
        "movq %%rbp, 56(%%rcx); movq %%r12, 64(%%rcx); movq %%r13, 72(%%rcx); movq %%r14, 80(%%rcx)\n\t"
        "movq %%r15, 88(%%rcx)\n\t"
        "popq %%rdi; popq %%r15; popq %%r14; popq %%r13; popq %%r12; popq %%rbp; popq %%rbx\n\t"
        "leaq %[got], %%rcx\n\t"
        "movups %%xmm0, 0(%%rcx); movups %%xmm1, 16(%%rcx); movups %%xmm2, 32(%%rcx); movups %%xmm3, 48(%%rcx)\n\t"
        "movups %%xmm4, 64(%%rcx); movups %%xmm5, 80(%%rcx); movups %%xmm6, 96(%%rcx); movups %%xmm7, 112(%%rcx)\n\t"
        "movups %%xmm8, 128(%%rcx); movups %%xmm9, 144(%%rcx); movups %%xmm10, 160(%%rcx)\n\t"
        "movups %%xmm11, 176(%%rcx); movups %%xmm12, 192(%%rcx); movups %%xmm13, 208(%%rcx)\n\t"
        "movups %%xmm14, 224(%%rcx); movups %%xmm15, 240(%%rcx)\n\t"
        : "+a"(result), [got] "=m"(got), "+S"(vectors)
        : "D"(r)
        : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
          "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    for (uint64_t i = 1; i < REGISTERS; i++)
        if (r[i] != 0xa1 + i)
            *wrong = "a general register differs after a system call";
    if (r[0] != arg)
        *wrong = "RDI differs after a system call";
    if (memcmp(&given, &got, sizeof(got)) != 0)
        *wrong = "a vector register differs after a system call";
    return result;
}

static const char *system_calls(void)
{
    struct utsname name = {0};
    const char *wrong = NULL;

    if (full_call(SYS_gettid, 0, &wrong) <= 0)
        return "gettid has a wrong result";
    if (full_call(SYS_uname, (uint64_t)&name, &wrong) != 0 || strcmp(name.sysname, "Linux") != 0)
        return "uname has a wrong result";
    if (full_call(SYS_uname, 64, &wrong) != -EFAULT)
        return "uname of unmapped memory has a wrong result";
    return wrong;
}

static const char *nested_call(const struct stepped *s, unsigned i)
{
    const char *output;
    size_t length;
    char text[32];

    snprintf(text, sizeof(text), "round %u of many", i);
    if (s->invoke(s->context, "echo", text, strlen(text), &output, &length))
        return "a nested call failed";
    return length == strlen(text) && memcmp(output, text, length) == 0 ? NULL : "a nested call has a wrong answer";
}

static const char *control(void)
{
    uint32_t mxcsr;
    uint16_t fcw;

    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(fcw));
    if ((mxcsr & 0xffc0) != MXCSR_ROUND_UP)
        return "MXCSR differs";
    if (fcw != FCW_DOUBLE)
        return "the x87 control word differs";
    return own == 0x1234567 ? NULL : "the thread pointer differs";
}

static const char *round_trip(const struct stepped *s, unsigned i)
{
    const char *wrong = nested_call(s, i);

    if (!wrong)
        wrong = bare_gate();
    if (!wrong)
        wrong = system_calls();
    return wrong ? wrong : control();
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct stepped *s = worker_handle;
    const uint32_t round_up = MXCSR_ROUND_UP, usual = 0x1f80;
    const uint16_t precise = FCW_DOUBLE, usual_fcw = 0x37f;
    const char *wrong = NULL;
    char text[16];
    unsigned rounds;

    snprintf(text, sizeof(text), "%.*s", (int)input_length, input);
    rounds = (unsigned)atoi(text);
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(round_up), "m"(precise));
    for (unsigned i = 0; i < rounds && !wrong; i++)
        wrong = round_trip(s, i);
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(usual), "m"(usual_fcw));
    s->append(s->context, wrong ? wrong : "sound", strlen(wrong ? wrong : "sound"));
    return 0;
}
