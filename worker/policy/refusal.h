/* What is said of a system call that is refused: its name, the path that it was about, and whose code made it. */
#ifndef NW_WORKER_POLICY_REFUSAL_H
#define NW_WORKER_POLICY_REFUSAL_H

#include "worker/syscall/syscall.h"

/* "ptrace", or the number where the kernel has no such call; room for the number is the caller's. */
#define NW_CALL_NUMBER_MAX 24
const char *nw_call_name(long number, char text[NW_CALL_NUMBER_MAX]);

/* One line of the log. */
void nw_refusal_log(struct nw_call *call);

#endif
