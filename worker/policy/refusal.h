/* The log line of a refused system call: its name, the path that it was about, and whose code made it. */
#ifndef NW_WORKER_POLICY_REFUSAL_H
#define NW_WORKER_POLICY_REFUSAL_H

#include <stdbool.h>

struct nw_deployed;
struct nw_slot;

/* "ptrace", or the number where the kernel has no such call; room for the number is the caller's. */
#define NW_CALL_NUMBER_MAX 24
const char *nw__call_name(long number, char text[NW_CALL_NUMBER_MAX]);

/* Counts a call that a function was refused. True: it is the first with this number, and is to be logged. */
bool nw_refusal_count(struct nw_deployed *function, long number);

/* Which argument of a call is a path, or -1. */
int nw_refusal_path(long number);

/* One line of the log: the slot's call was refused, which was about `path` unless that is NULL. */
void nw_refusal_log(struct nw_slot *slot, long number, const char *path);

#endif
