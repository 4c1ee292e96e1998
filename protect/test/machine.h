/* Calls functions with every register, the flags and the red zone given, and tells what they leave (rewrite_run.S). */
#ifndef NW_PROTECT_TEST_MACHINE_H
#define NW_PROTECT_TEST_MACHINE_H

#include <stddef.h>
#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* What run_with loads and stores. */
struct machine {
    uint64_t registers[16];
    uint64_t flags, unused;
    uint8_t vectors[2][16];
    uint8_t red_zone[128];
    const void *function;
};
_Static_assert(offsetof(struct machine, function) == 304, "rewrite_run.S knows the layout");

void run_with(struct machine *machine);

#endif
