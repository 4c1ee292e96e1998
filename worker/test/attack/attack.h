/*
 * What the hostile functions share. Each is attack.c, which carries the function ABI, and one file with a table of
 * attacks. Its input is the name of one of them and its arguments; its answer is what became of it: the name of an
 * error, or a line that says how the attack succeeded.
 */
#ifndef NW_WORKER_TEST_ATTACK_H
#define NW_WORKER_TEST_ATTACK_H

#include <faas/worker_v1_interface.h>
#include <stddef.h>
#include <stdint.h>

/* As an argument: the address of 64 KiB of the function's own memory. */
#define ATTACK_OWN 0x0a77ac40000ull

/* ... and the worker's process id, which a function is not told but may guess. */
#define ATTACK_PID 0x0a77ac50000ull

/* ... and where in the gate, counted from its address, the handler of signals and its restorer are. */
#define ATTACK_HANDLER  0x0a77ac60000ull
#define ATTACK_RESTORER 0x0a77ac70000ull

/* ... and the end of the first WRPKRU of its way in, and its XRSTOR. */
#define ATTACK_INSIDE 0x0a77acb0000ull
#define ATTACK_XRSTOR 0x0a77acc0000ull

/* ... and what no function is told: where the alternate stacks are, the end of the first executor's stack, and the
 * record of executor N. */
#define ATTACK_ALTERNATE 0x0a77ac80000ull
#define ATTACK_STACK     0x0a77ac90000ull
#define ATTACK_RECORD(n) (0x0a77aca0000ull + (n))
#define ATTACK_RECORDS   4

/* ... and a place in the memory that the worker shares with the engine, ATTACK_UNUSED from its end. */
#define ATTACK_SHARED 0x0a77acd0000ull
#define ATTACK_UNUSED (1ul << 20)

/* Where RSP points when something makes the kernel build a signal frame. */
enum attack_place {
    ATTACK_IN_NEIGHBOUR,
    ATTACK_IN_OWN_ALTERNATE,
    ATTACK_IN_OTHER_ALTERNATE,
    ATTACK_IN_STACK,
    ATTACK_IN_SHARED,
    ATTACK_IN_NOTHING,
    ATTACK_IN_KERNEL,
    ATTACK_IN_BETWEEN,
};

/* Arguments of an attack. The first is always the address of a neighbour's secret. */
struct attacker {
    void *context;
    faas_append_output_fn_t append;
    faas_invoke_func_fn_t invoke;
    uint64_t arg[8];
    char text[256]; /* for an answer */
};

struct attack {
    const char *name;
    const char *(*run)(struct attacker *a); /* returns the answer, or NULL when it has answered */
};

/* Each hostile function's own; ends with a name that is NULL. */
extern const struct attack attacks[];

/* Where the gate is, as the stub is told. */
extern uint64_t attack_gate;

/* The answer for what a system call returned through syscall(): the name of errno, or how far it came. */
const char *attack_outcome(struct attacker *a, long result);

__attribute__((format(printf, 2, 3))) const char *attack_say(struct attacker *a, const char *format, ...);

/* Calls code that may set PKRU to what is in EAX, which is all rights, and uses them: what the secret reads as. */
const char *attack_use_rights(struct attacker *a, const void *code);

/* An operation of the gate with these registers: RDI, RSI, R10, R8, R9. */
long attack_gate_call(uint64_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4);

#endif
