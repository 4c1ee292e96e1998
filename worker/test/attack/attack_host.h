/*
 * What the tests of attacks stand on: a worker with a neighbour that holds a secret and one that keeps serving, hostile
 * functions loaded when they are first needed, and the table of what was seen. Fails the running test where it cannot.
 */
#ifndef NW_WORKER_TEST_ATTACK_ATTACK_HOST_H
#define NW_WORKER_TEST_ATTACK_ATTACK_HOST_H

#include "common/test/attack/attack_report.h"
#include "worker/test/harness.h"

#define NW_ATTACK_SEEN  ATTACK_SEEN
#define NW_ATTACK_HELLO "../../../functions/hello/hello"

/* Time limits, in ms: of functions that are to run past theirs, and of all others, which a busy machine keeps, too. */
#define NW_ATTACK_HASTY   300
#define NW_ATTACK_PATIENT 10000

struct nw_attack {
    struct nw_harness harness;
    enum nw_mode mode;
    uint32_t hello;      /* the neighbour that serves */
    const char *without; /* defences that the worker leaves out, or NULL */
};

extern struct nw_attack nw_attack;

/* The worker that the test before left, or a new one when it is gone or was to leave out something else. */
void nw_attack_begin(const char *without);

/* Ends the worker, if there is one; the second one as it is. */
int nw_attack_end(void **state);
void nw_attack_discard(void);

/* The build directory; the file of a hostile function, valid until the next call. */
const char *nw_attack_build(void);
const char *nw_attack_path(const char *so);

/* Loads a function under a name; 0 when it is refused. */
uint32_t nw_attack_load(const char *name, const char *so, uint32_t slots, uint32_t timeout_ms);
uint32_t nw_attack_must_load(const char *name, const char *so, uint32_t slots, uint32_t timeout_ms);

/* The deployment of a hostile function, which may have two that differ in their time limit. */
uint32_t nw_attack_function(const char *so, uint32_t timeout_ms);

/* Invokes and waits. The caller frees the data. */
struct nw_answer nw_attack_ask(uint32_t deployment, const char *input);

/* The neighbour that holds the secret. */
uint32_t nw_attack_victim(void);

/* Where the neighbour keeps its secret in memory of a kind (NULL: its data). */
uint64_t nw_attack_where(const char *kind);

/* An answer as a few words. */
void nw_attack_describe(char seen[NW_ATTACK_SEEN], const struct nw_answer *a);

/* The worker is still the same process; and its neighbours answer as ever, the secret intact. */
void nw_attack_must_live(const char *after);
void nw_attack_check(const char *after);

/* Asks a worker that leaves something out, for a short time: 0, or what nw_harness_try_receive says. */
int nw_attack_try(uint32_t deployment, const char *input, struct nw_answer *answer);

/* Adds to `seen` what became of worker and neighbours. The next test gets a new worker. */
void nw_attack_describe_harm(char seen[NW_ATTACK_SEEN]);

/* What the worker that leaves something out has written since it was started. Valid until the next call. */
const char *nw_attack_output(void);

#endif
