/* Attacks on what functions share: several of them against one neighbour, on a worker of their own. */
#ifndef NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_SHARES_H
#define NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_SHARES_H

#include "worker/test/attack/attack_host.h"
#include <stddef.h>

struct attack_share {
    int row;
    const char *name, *expect; /* as in attack_table.h, and so are these two */
    const char *without, *then;
    void (*run)(char seen[NW_ATTACK_SEEN]); /* begins with a new worker; what the neighbour saw */
    unsigned files;                         /* that the worker may open; 0: as many as the test */
};

extern const struct attack_share attack_shares[];
extern const size_t attack_shares_count;

/* Runs it: what was seen. */
void nw_attack_share(const struct attack_share *attack, const char *without, char seen[NW_ATTACK_SEEN]);

#endif
