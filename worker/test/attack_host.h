/*
 * What the tests of attacks stand on: a worker with a neighbour that holds a secret and one that keeps serving, hostile
 * functions loaded when they are first needed, and the table of what was seen. Fails the running test where it cannot.
 */
#ifndef NW_WORKER_TEST_ATTACK_HOST_H
#define NW_WORKER_TEST_ATTACK_HOST_H

#include "worker/test/harness.h"
#include <stdio.h>

#define NW_ATTACK_SEEN  160
#define NW_ATTACK_HELLO "../../../functions/hello/hello"

struct nw_attack {
    struct nw_harness harness;
    enum nw_mode mode;
    uint32_t hello; /* the neighbour that serves */
    FILE *table;
};

extern struct nw_attack nw_attack;

/* Set-up of a test: the worker that the one before left, or a new one when it is gone. */
int nw_attack_begin(void **state);

/* Ends the worker, if there is one. */
int nw_attack_end(void **state);

/* The build directory; the file of a hostile function, valid until the next call. */
const char *nw_attack_build(void);
const char *nw_attack_path(const char *so);

/* Loads a function under a name; 0 when it is refused. */
uint32_t nw_attack_load(const char *name, const char *so, uint32_t slots);
uint32_t nw_attack_must_load(const char *name, const char *so, uint32_t slots);

/* The deployment of a hostile function. */
uint32_t nw_attack_function(const char *so);

/* Invokes and waits. The caller frees the data. */
struct nw_answer nw_attack_ask(uint32_t deployment, const char *input);

/* Where the neighbour keeps its secret in memory of a kind (NULL: its data). */
uint64_t nw_attack_where(const char *kind);

/* An answer as a few words. */
void nw_attack_describe(char seen[NW_ATTACK_SEEN], const struct nw_answer *a);

/* The worker is still the same process; and its neighbours answer as ever, the secret intact. */
void nw_attack_must_live(const char *after);
void nw_attack_check(const char *after);

/* Writes a line of the table. `expected`: words that | separates; a * at the end of one stands for anything. */
void nw_attack_judge(int row, const char *name, const char *expected, const char *seen);

#endif
