/* Plays the engine for one worker process: starts it, loads functions, invokes them. For tests. */
#ifndef NW_WORKER_TEST_HARNESS_H
#define NW_WORKER_TEST_HARNESS_H

#include "common/base/status.h"
#include "common/host/mode.h"
#include "common/manifest/control.h"
#include "common/shm/channel.h"
#include <stdbool.h>
#include <sys/types.h>

struct nw_harness {
    pid_t pid;
    int control;
    struct nw_channel channel;
    struct nw_control_message message; /* the last one received */
    struct nw_control holds;           /* the last that said what a function holds, also when another was awaited */
    struct nw_calls calls;             /* the first of the last that told how often functions were called */
    struct nw_calls known[16];         /* what was told last of each deployment, by its number modulo 16 */
    char loaded[256];                  /* the text of the last LOADED */
    int snapshot;                      /* the last file of a snapshot that was sent, or -1 */
    char unusable[256];                /* why one that was given cannot be used; empty: nothing was said */
    uint32_t next_deployment;
    uint64_t next_id;
    unsigned reads; /* inputs that the worker has read before it answered */
    struct {
        uint64_t id, offset;
    } sent[4096]; /* payload blocks of invocations that are not answered; id 0: unused */
};

struct nw_answer {
    uint64_t id;
    uint32_t status;
    char *data; /* malloced, NUL-terminated */
    size_t length;
};

/* What the process does that becomes the worker; NULL: nothing besides. */
extern void (*nw_harness_before_exec)(void);

/* Starts the worker and waits for its HELLO. Fails the running test when that does not come. */
void nw_harness_start(struct nw_harness *h, enum nw_mode mode, uint32_t executors);

/* The same with a worker that writes to `output`, unless that is -1, and leaves these defences out (without.c); NULL:
 * the real one. */
void nw_harness_start_without(struct nw_harness *h, enum nw_mode mode, uint32_t executors, const char *without,
                              int output);

/* Ends the worker by closing its control socket; checks that it exits with status 0. */
void nw_harness_stop(struct nw_harness *h);

struct nw_load {
    const char *name, *so, *env; /* env: one K=V or NULL */
    uint32_t slots, timeout_ms;
    uint64_t memory, disk, static_tls; /* disk: 0: 1 GiB; static_tls: 0: 512 */
    uint32_t profile, threads;         /* 0: compute; 0: 32, NW_NO_THREADS: none */
    const char *connect, *directories; /* NULL: none */
    const char *cwd;                   /* NULL: / */
    const char *calls;                 /* as nw_calls_resolve has them; NULL: any */
    bool no_snapshots;                 /* it is loaded each time */
    int *snapshot;                     /* its file; NULL: none */
    uint64_t range;                    /* 0: one that no other function has */
    bool fresh;
    uint32_t weight, cpu_limit; /* 0: 100; no limit */
};

#define NW_NO_THREADS UINT32_MAX

/* Loads and activates; returns the deployment number, or 0 when refused (reason in h->message.text). */
uint32_t nw_harness_load(struct nw_harness *h, const struct nw_load *load);

/* The engine tells what a function may reach from now on. */
void nw_harness_reach(struct nw_harness *h, uint32_t deployment, const struct nw_address_grant *addresses, size_t n);

/* Sends an invocation; returns its id. */
uint64_t nw_harness_send(struct nw_harness *h, uint32_t deployment, const void *input, size_t length);

/* Waits for the next completion, up to 20 s. Nested calls that come meanwhile are answered with NOT_FOUND. */
struct nw_answer nw_harness_receive(struct nw_harness *h);

/* The same, up to `ms`: 0, -ETIMEDOUT, -EPIPE when the worker is gone. */
int nw_harness_try_receive(struct nw_harness *h, int ms, struct nw_answer *answer);

/* Both; the answer's id is checked. */
struct nw_answer nw_harness_invoke(struct nw_harness *h, uint32_t deployment, const void *input, size_t length);

/* Takes the control messages that have come, and waits for none. */
void nw_harness_listen(struct nw_harness *h);

/* What was told last of a deployment. */
struct nw_calls nw_harness_calls(const struct nw_harness *h, uint32_t deployment);

/* Waits for a control message of this kind. */
void nw_harness_expect(struct nw_harness *h, uint32_t kind);

void nw_harness_tell(struct nw_harness *h, uint32_t kind, uint32_t deployment);

/* What a test program returns whose tests, those of `run`, are for both modes: mpk, where this machine has it, and
 * process. */
int nw_harness_run_modes(int (*run)(enum nw_mode mode));

#endif
