/* The list of attacks on a worker: which row of the threats, what is done, and what must be seen. No code. */
#ifndef NW_WORKER_TEST_ATTACK_ATTACK_TABLE_H
#define NW_WORKER_TEST_ATTACK_ATTACK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As an argument: the address of the neighbour's secret. The hostile function knows ATTACK_OWN. */
#define ATTACK_TARGET 0x7a59e7000ull

struct attack_row {
    int row;
    const char *name;   /* for people */
    const char *expect; /* what must be seen, or several with | between them */
    const char *so;     /* the hostile function; of a refused one, its file */
    const char *how;    /* its attack; NULL: it is refused when it is deployed */
    uint64_t args[7];
    const char *aim; /* the kind of the neighbour's memory; NULL: its data */
    bool keys;       /* says something only where there are keys */
    /* What must be seen with a defence left out (NW_WITHOUT); or, without one, why there is none to leave out. */
    const char *without, *then;
    bool root; /* with that defence left out the kernel still refuses it to all but root */
};

extern const struct attack_row attack_rows[];
extern const size_t attack_rows_count;

/* Ways to jump to every offset of the gate: names of attacks of jumps.so. */
struct attack_jump {
    const char *how, *why_not; /* why leaving the check of PKRU out shows nothing, or NULL */
};
extern const struct attack_jump attack_jumps[];
extern const size_t attack_jumps_count;

/* System calls that the policy knows. Every other number is refused. */
extern const int attack_known_calls[];
extern const size_t attack_known_calls_count;

#endif
