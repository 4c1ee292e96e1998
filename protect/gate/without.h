/*
 * Names of the defences that a test build can leave out, so that a test can show what an attack does where nothing
 * stops it: an attack that cannot succeed proves nothing. Only objects built with -DNW_WITHOUT can do that (see
 * worker/test/without.c); in all others nw_without() is the constant false.
 *
 * For C and, the numbers and nw_left_out, for assembly.
 */
#ifndef NW_PROTECT_GATE_WITHOUT_H
#define NW_PROTECT_GATE_WITHOUT_H

#define NW_DEFENCE_SCAN     0  /* code is searched for instructions that change rights */
#define NW_DEFENCE_WX       1  /* memory is never both, or in turn, writable and executable */
#define NW_DEFENCE_COPIES   2  /* what runs is a copy of what was scanned */
#define NW_DEFENCE_ELF      3  /* a function's file is checked before it is loaded */
#define NW_DEFENCE_SUD      4  /* system calls of domains come to the monitor */
#define NW_DEFENCE_SELECTOR 5  /* the gate's way out closes the way into the kernel */
#define NW_DEFENCE_EXIT     6  /* PKRU is compared after the gate's way out wrote it */
#define NW_DEFENCE_FRAME    7  /* a signal frame must lie where the kernel puts it */
#define NW_DEFENCE_RIGHTS   8  /* the kernel acts with the domain's rights */
#define NW_DEFENCE_RANGES   9  /* pointers from a domain must point into it */
#define NW_DEFENCE_ONCE     10 /* what a domain can change is copied, then checked, and the copy used */
#define NW_DEFENCE_FILES    11 /* a domain's numbers of files are its own */
#define NW_DEFENCE_PATHS    12 /* which paths a domain may open */
#define NW_DEFENCE_REKEY    13 /* pages leave a key before it is given to somebody else */
#define NW_DEFENCE_OUTPUT   14 /* limit of an output */
#define NW_DEFENCE_LOG      15 /* limit of log lines */
#define NW_DEFENCE_DEPTH    16 /* limit of nested calls */
#define NW_DEFENCE_MEMORY   17 /* limit of memory */
#define NW_DEFENCE_DEADLINE 18
/* What becomes of system calls, by what they are about: without, the kernel gets them as they are. */
#define NW_DEFENCE_CALL_MEMORY   19
#define NW_DEFENCE_CALL_KEYS     20
#define NW_DEFENCE_CALL_PROCESS  21 /* this process or others: process_vm_*, ptrace, fork, exec, limits */
#define NW_DEFENCE_CALL_DEFERRED 22 /* done later or elsewhere: io_uring, aio, userfaultfd, pinned pages */
#define NW_DEFENCE_CALL_SIGNALS  23
#define NW_DEFENCE_CALL_THREAD   24 /* what the kernel keeps of a thread: rseq, prctl, personality, seccomp */
#define NW_DEFENCE_CALL_FILES    25 /* files, sockets, names */
#define NW_DEFENCE_KEYS          26 /* a domain's rights in PKRU */
#define NW_DEFENCE_STACK         27 /* signals are delivered on the alternate stack */
#define NW_DEFENCE_THREADS       28 /* limit of threads */
#define NW_DEFENCE_DISARM        29 /* while the alternate stack is in use the kernel does not know it */
#define NW_DEFENCE_ENTER         30 /* rights are compared after the gate's way in wrote PKRU */
#define NW_DEFENCE_RESTORE       31 /* ... and after XRSTOR */
#define NW_DEFENCE_FLAGS         32 /* the gate refuses flags that change how the monitor runs */
#define NW_DEFENCE_SHARES        33 /* limits and shares of what domains take from one another */
#define NW_DEFENCE_WAITING       34 /* who may not keep another kernel thread waits */
#define NW_DEFENCE_PIECES        35 /* long work is done in pieces, and most of it elsewhere */
#define NW_DEFENCE_STATE         36 /* what no permission guards is cleared: tile configuration, selectors, a flag */
#define NW_DEFENCE_FENCE         37 /* nothing runs ahead of the gate's comparisons */
#define NW_DEFENCE_TURNS         38 /* a domain in which something runs can lose its key */
#define NW_DEFENCE_RECALL        39 /* a key is given anew when no executor has its rights any more */
#define NW_DEFENCE_BENEATH       40 /* nothing leads out of a granted directory */
#define NW_DEFENCE_SIGNALS       41 /* of a frame only becomes what its domain could do; a handler learns of it alone */
#define NW_DEFENCE_DISK          42 /* limit of what it fills of granted directories */
#define NW_DEFENCE_GUESSES       43 /* no code goes where a predictor says; in test builds some does, always */
#define NW_DEFENCE_MASKS         44 /* pointers from a domain point into it ahead of the check, too */
#define NW_DEFENCE_FRESH         45 /* memory of a fresh function is the snapshot again after each invocation */
#define NW_DEFENCE_TABLES        46 /* what a snapshot's file says lies within the range, and is what it may be */
#define NW_DEFENCE_SEALS         47 /* nobody can change a snapshot's file any more */
#define NW_DEFENCE_CALLS         48 /* a function calls those alone that it may */
#define NW_DEFENCE_COUNT         49

#ifndef __ASSEMBLER__
#include <stdbool.h>
#ifdef NW_WITHOUT
#include <stdint.h>
extern uint8_t nw_left_out[NW_DEFENCE_COUNT];
#define nw_without(defence) (nw_left_out[defence] != 0)
/* Whether the kernel gets a system call as it is, because what would answer it is left out. */
bool nw_without_answer(long number);
#else
#define nw_without(defence)       ((void)(defence), false)
#define nw_without_answer(number) ((void)(number), false)
#endif
#endif

#endif
