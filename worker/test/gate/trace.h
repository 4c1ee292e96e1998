/*
 * A debugger for tests: stops the executor of a live worker, steps it, looks at its registers and memory. It knows the
 * gate's records and symbols, and nothing of what a test is about.
 */
#ifndef NW_WORKER_TEST_GATE_TRACE_H
#define NW_WORKER_TEST_GATE_TRACE_H

#include "protect/gate/gate.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#define NW_TRACE_XSAVE  16384
#define NW_TRACE_OTHERS 8

struct nw_trace_state {
    struct user_regs_struct regs;
    uint8_t xsave[NW_TRACE_XSAVE] __attribute__((aligned(64)));
};

struct nw_trace {
    pid_t pid, tid;
    pid_t others[NW_TRACE_OTHERS]; /* threads that are held still */
    size_t n_others;
    int memory;         /* /proc/PID/mem */
    uint64_t base, end; /* of the worker's image */
    uint64_t vdso, vdso_end;
    uint64_t gate, gate_end;    /* its section */
    size_t xsave_size, pkru_at; /* what PTRACE_GETREGSET gives, and where PKRU lies in it */
    uint64_t page, thread;      /* the executor's records */
};

/* Stops a worker that has nothing to do. From then on the executor that waited on the doorbell does all the work, under
 * control; the others stand still, and so does the thread that watches quanta and deadlines. 0, or a negative errno:
 * -EPERM where the machine permits no ptrace. */
int nw_trace_attach(struct nw_trace *t, pid_t worker);

/* Lets it run on, with a signal that has yet to be delivered, or 0; and forgets it. */
void nw_trace_detach(struct nw_trace *t, int signal);

/* Ends the worker. */
void nw_trace_kill(struct nw_trace *t);

/* The address of a symbol of the worker. Fails the test when there is none. */
uint64_t nw_trace_symbol(const struct nw_trace *t, const char *name);

/* One instruction; or until something happens, for some milliseconds at most. With a signal to deliver, or 0. Returns
 * the signal that stopped it, SIGTRAP after a step; or 0 when nothing did. Fails the test when the worker is gone. */
int nw_trace_step(struct nw_trace *t, int signal);
int nw_trace_run(struct nw_trace *t, int signal);

uint64_t nw_trace_rip(const struct nw_trace *t);
void nw_trace_get(const struct nw_trace *t, struct nw_trace_state *state);
void nw_trace_set(const struct nw_trace *t, struct nw_trace_state *state);
uint32_t nw_trace_pkru(const struct nw_trace *t, const struct nw_trace_state *state);

void nw_trace_read(const struct nw_trace *t, uint64_t at, void *to, size_t size);
void nw_trace_write(const struct nw_trace *t, uint64_t at, const void *from, size_t size);

/* The records of the gate for the executor, and the context that runs or is about to. */
struct nw_gate_page nw_trace_page(const struct nw_trace *t);
struct nw_gate_thread nw_trace_thread(const struct nw_trace *t);
struct nw_gate_context nw_trace_context(const struct nw_trace *t);

/* Whether an address is code of the worker, the vDSO counted in: what is not belongs to a domain. */
bool nw_trace_in_worker(const struct nw_trace *t, uint64_t rip);
bool nw_trace_in_gate(const struct nw_trace *t, uint64_t rip);

#endif
