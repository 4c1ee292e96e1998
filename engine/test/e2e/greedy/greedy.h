/*
 * What greedy functions share. greedy.so takes more than its share in every way that there is: its input is the name of
 * one and up to seven numbers in hexadecimal (worker/test/attack/attack.c, which carries the function ABI for it). What
 * goes on after the call, where no deadline ends it, is done by threads of its own. Its files are in $DIRECTORY.
 */
#ifndef NW_ENGINE_TEST_E2E_GREEDY_H
#define NW_ENGINE_TEST_E2E_GREEDY_H

#include "worker/test/attack/attack.h"

#define GREEDY_PAGE 4096ul

/* Starts `n` threads that nobody waits for. The answer: how many there are. */
const char *greedy_start(struct attacker *a, uint64_t n, void *(*run)(void *), void *argument);

/* A file of $DIRECTORY, or negative. */
int greedy_open(const char *name);

const char *greedy_mappings(struct attacker *a); /* N */
const char *greedy_refill(struct attacker *a);   /* N */
const char *greedy_images(struct attacker *a);   /* MIB */
const char *greedy_map_code(struct attacker *a); /* THREADS */
const char *greedy_move(struct attacker *a);     /* THREADS MIB */
const char *greedy_crash(struct attacker *a);    /* MIB */
const char *greedy_read(struct attacker *a);     /* THREADS MIB */
const char *greedy_block(struct attacker *a);    /* THREADS */
const char *greedy_open_all(struct attacker *a);
const char *greedy_spin(struct attacker *a); /* THREADS */
const char *greedy_wait(struct attacker *a); /* THREADS */
const char *greedy_call(struct attacker *a); /* TIMES */

#endif
