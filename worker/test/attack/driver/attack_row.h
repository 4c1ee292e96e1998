/* Carries out a row of attack_table.h. What becomes of it is judged in attack_test.c. */
#ifndef NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_ROW_H
#define NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_ROW_H

#include "worker/test/attack/attack_host.h"
#include "worker/test/attack/attack_table.h"
#include <stddef.h>
#include <stdint.h>

/* Why an attack cannot be tried, or NULL. */
const char *nw_attack_obstacle(const struct attack_row *row);

/* The deployment that attacks, and what it is told. */
uint32_t nw_attacker_of(const struct attack_row *row);
void nw_attack_input(char *input, size_t size, const struct attack_row *row);

/* Attacks while hello is asked again and again. */
void nw_attack_and_serve(const struct attack_row *row, char seen[NW_ATTACK_SEEN]);

/* A file that must be refused. Where it is not, what it holds is run. */
void nw_attack_deploy(const struct attack_row *row, char seen[NW_ATTACK_SEEN]);

/* Adds how much was written where nobody writes, in the memory that the worker shares with the engine. */
void nw_attack_add_written(char seen[NW_ATTACK_SEEN]);

#endif
