/* Jumps to every byte of the gate, by functions that set every register first; and where things are in the worker. */
#ifndef NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_JUMPS_H
#define NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_JUMPS_H

#include "worker/test/attack/attack_host.h"
#include <stdbool.h>

/* Where a symbol of the gate is, counted from the address that domains call. */
uint64_t nw_attack_gate_offset(const char *symbol);

/* ... and where the XRSTOR of its way out is. */
uint64_t nw_attack_xrstor_offset(void);

/* ... and where the first, second, ... WRPKRU behind a symbol of the gate is. */
uint64_t nw_attack_wrpkru_offset(const char *symbol, int which);

/* ... and where a function of the monitor calls through a register; in a worker where none does, what it calls instead.
 */
uint64_t nw_attack_jump_offset(const char *function);

/* An attack's ATTACK_ALTERNATE, ATTACK_STACK, ATTACK_SHARED or ATTACK_RECORD, which is 0 where there is no such
 * executor. False: this user may not look into the worker. */
bool nw_attack_look(uint64_t which, uint64_t *value);

/* ... and where the monitor keeps the record of the domain that was made as number 0, 1, ... */
bool nw_attack_look_record(unsigned which, uint64_t *at);

/* `how`: an attack of jumps.so. `traps`: also to what is left of the gate for other modes. */
void nw_attack_jump(const char *how, bool traps, char seen[NW_ATTACK_SEEN]);

#endif
