/* Attacks by transient execution (row 31 of the threats): what a function can learn of a secret by timing. */
#ifndef NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_TRANSIENT_H
#define NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_TRANSIENT_H

#include "worker/test/attack/attack_host.h"
#include <stddef.h>

struct attack_transient {
    const char *name, *how; /* an attack of transient.so */
    const char *from;       /* a symbol of the gate: the attack jumps there, */
    int wrpkru; /* or, unless 0, to the first or second WRPKRU behind it; NULL: to a jump through a pointer, or, with a
                 * secret that is held, nowhere: the monitor itself is to read ahead */
    bool held;  /* the secret is a word by which the processor loads another one */
    bool far;   /* what the processor waits for is in no near cache */
    const char *without; /* the defence that closes it */
};
extern const struct attack_transient attack_transients[];
extern const size_t attack_transients_count;

/* Tries to read a byte of the neighbour's secret: "read 0x5e" or "read nothing". */
void nw_attack_transient(const struct attack_transient *attack, char seen[NW_ATTACK_SEEN]);

#endif
