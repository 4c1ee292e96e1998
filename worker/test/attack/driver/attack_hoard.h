/*
 * Attacks by which one function hoards what others need, or gives the monitor long work: each against a neighbour that
 * maps memory and starts a thread meanwhile, then crashes, and comes back. Rows of attack_shares.c.
 */
#ifndef NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_HOARD_H
#define NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_HOARD_H

#include "worker/test/attack/attack_host.h"

void nw_hoard_mappings(char seen[NW_ATTACK_SEEN]);
void nw_hoard_images(char seen[NW_ATTACK_SEEN]);
void nw_hoard_large_file(char seen[NW_ATTACK_SEEN]);
void nw_hoard_move(char seen[NW_ATTACK_SEEN]);
void nw_hoard_unmap(char seen[NW_ATTACK_SEEN]);
void nw_hoard_drop(char seen[NW_ATTACK_SEEN]);
void nw_hoard_replace(char seen[NW_ATTACK_SEEN]);

/* It fills half a GiB and crashes: whether the neighbour is served before all that is given back. */
void nw_hoard_crash(char seen[NW_ATTACK_SEEN]);

#endif
