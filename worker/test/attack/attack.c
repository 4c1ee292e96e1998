/* See attack.h. Besides the attacks of its table every hostile function knows some that all of them need. */
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t attack_gate;
static uint8_t own[65536] __attribute__((aligned(4096)));

/* ld.so hands constructors what it got itself; the stub's first argument is the address of the gate. */
__attribute__((constructor)) static void find_gate(int argc, char **argv)
{
    if (argc > 1)
        attack_gate = strtoul(argv[1], NULL, 16);
}

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct attacker *a = calloc(1, sizeof(*a));

    if (!a)
        return -1;
    *a = (struct attacker){.context = caller_context, .append = append_output_fn, .invoke = invoke_func_fn};
    *worker_handle = a;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

const char *attack_say(struct attacker *a, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(a->text, sizeof(a->text), format, args);
    va_end(args);
    return a->text;
}

const char *attack_outcome(struct attacker *a, long result)
{
    if (result < 0 && strerrorname_np(errno))
        return strerrorname_np(errno);
    return attack_say(a, "result %ld", result);
}

long attack_gate_call(uint64_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    uint64_t rdi = op, rsi = a1, rdx;
    register uint64_t r10 __asm__("r10") = a2;
    register uint64_t r8 __asm__("r8") = a3;
    register uint64_t r9 __asm__("r9") = a4;
    long result;

    __asm__ volatile("call *%[gate]"
                     : "=a"(result), "=d"(rdx), "+D"(rdi), "+S"(rsi), "+r"(r10), "+r"(r8), "+r"(r9)
                     : [gate] "m"(attack_gate)
                     : "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    return result;
}

/* An instruction of its own: libnwguard stands before libc's syscall(). */
static const char *try_call(struct attacker *a)
{
    const uint64_t *r = a->arg;
    register uint64_t r10 __asm__("r10") = r[5];
    register uint64_t r8 __asm__("r8") = r[6];
    register uint64_t r9 __asm__("r9") = r[7];
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(r[1]), "D"(r[2]), "S"(r[3]), "d"(r[4]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    errno = (int)-result;
    return attack_outcome(a, result < 0 && result > -4096 ? -1 : result);
}

static const char *try_gate(struct attacker *a)
{
    const uint64_t *r = a->arg;
    long result = attack_gate_call(r[1], r[2], r[3], r[4], r[5]);

    errno = (int)-result;
    return attack_outcome(a, result);
}

static const char *try_read(struct attacker *a)
{
    return attack_say(a, "read %#x", *(volatile uint8_t *)a->arg[0]);
}

const char *attack_use_rights(struct attacker *a, const void *code)
{
    __asm__ volatile("call *%0" : : "r"(code), "a"(0), "c"(0), "d"(0) : "memory", "cc");
    return try_read(a);
}

static const char *try_write(struct attacker *a)
{
    *(volatile uint8_t *)a->arg[0] = 0;
    return "written";
}

static const char *try_execute(struct attacker *a)
{
    ((void (*)(void))a->arg[0])();
    return "executed";
}

static const struct attack common[] = {
    {"call", try_call}, /* arguments: number and arguments of a system call */
    {"gate", try_gate}, /* ... of an operation of the gate */
    {"read", try_read}, {"write", try_write}, {"execute", try_execute}, {0},
};

static const struct attack *find(const struct attack *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    struct attacker *a = worker_handle;
    const struct attack *attack;
    const char *answer = "no such attack";
    char text[512], *rest = text, *name;

    if (input_length >= sizeof(text))
        return 1;
    memcpy(text, input, input_length);
    text[input_length] = '\0';
    name = strsep(&rest, " ");
    for (int i = 0; i < 8; i++) {
        a->arg[i] = rest ? strtoul(rest, &rest, 16) : 0;
        if (a->arg[i] == ATTACK_OWN)
            a->arg[i] = (uint64_t)own;
    }
    syscall(SYS_getpid); /* a worker that leaves something out may wait for this (without.c) */
    attack = find(attacks, name);
    if (!attack)
        attack = find(common, name);
    if (attack)
        answer = attack->run(a);
    if (answer)
        a->append(a->context, answer, strlen(answer));
    return 0;
}
