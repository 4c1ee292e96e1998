/*
 * A system call of a domain, and what its handlers share. A handler gets the call and returns what the system call
 * returns; one that makes its flow wait or end says so in `parked`. Handlers run on the executor, with the monitor's
 * rights, without locks held.
 */
#ifndef NW_WORKER_SYSCALL_CALL_H
#define NW_WORKER_SYSCALL_CALL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_call {
    struct nw_executor *ex;
    struct nw_slot *slot;
    struct nw_domain *domain;
    long number;
    uint64_t args[6];
    struct nw_disk_file *disk; /* what the file that it is about counts, or NULL */
    bool starved;              /* it may take long and cannot yet: unless its result is used, it is made again */
    uint64_t until;            /* with a time limit: when it is over, ns of CLOCK_MONOTONIC; 0: there is none */
    uint64_t turn_until;       /* it has its domain's move_lock, until then; 0: it does not */
    bool interrupted;          /* by a signal, whose handler says whether it is made again */
    bool resumed;              /* the registers are as they shall be: there is no result */
    bool parked;               /* the slot waits, was handed on or is gone: it must not be touched any more */
};

typedef long nw_syscall_handler(struct nw_call *call);

/* The call is refused: EPERM, counted, and logged once for each number and version of the function. */
long nw_call_refuse(struct nw_call *call);

/* Hands the call to the kernel with the domain's rights, arguments as they are in `call`. */
long nw_call_kernel(struct nw_call *call);

/* Before what may take long: another executor gets this one's token; nw_executor_unblock afterwards. False: the call is
 * starved, and nothing of it may be done that cannot be done again. */
bool nw_call_block(struct nw_call *call);

bool nw_call_is_dying(const struct nw_call *call); /* its domain: what is cut in pieces ends */

/* What is moved in one piece: less than 100 us from the page cache to memory that is there. */
#define NW_MOVE_PIECE (256ul << 10)

/* One piece of at most `most` bytes after the other of args[at + 1] bytes at args[at]; `offset`: the argument that is
 * the place in the file, or 0. Between nw_call_block and nw_executor_unblock. */
long nw__call_move(struct nw_call *call, int at, int offset, uint64_t most);

/* Hands a call that may take long to the kernel, those that move much from or to a regular file in pieces. */
long nw_call_kernel_blocking(struct nw_call *call);

/* cut.c: a call between nw_executor_block and nw_executor_unblock that a kick cut short is to be made again. False: it
 * was not cut short, or its domain is dying. */
bool nw_call_cut_short(struct nw_call *call, long result);

/* wait.c: call->number with these arguments, and the monitor's own rights or those of the domain; of the arguments
 * `timeout_at` is a timeout in ms; waits like the above. Where it cannot, it looks once. */
long nw_call_wait(struct nw_call *call, bool own, uint64_t args[6], int timeout_at);

/* Copies between monitor and domain; -EFAULT unless the domain's side lies wholly inside its range and is mapped. */
int nw_call_read(const struct nw_call *call, void *to, uint64_t from, size_t length);
int nw_call_write(const struct nw_call *call, uint64_t to, const void *from, size_t length);

/* Copies a path from the domain: 0, -EFAULT or -ENAMETOOLONG. */
int nw_call_path(const struct nw_call *call, uint64_t from, char path[PATH_MAX]);

/* What was copied and checked is used, not what it was copied from. False only where that is left out, and then a race
 * with those who change it is soon won. */
bool nw_call_once(struct nw_call *call);

#endif
