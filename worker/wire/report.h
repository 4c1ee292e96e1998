/* Messages of this worker to the engine on the control socket. Lock held. */
#ifndef NW_WORKER_WIRE_REPORT_H
#define NW_WORKER_WIRE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct nw_domain;

/* Domains in which nothing runs, by each nw_tell_holds: others may give back for them. */
#define NW_HOLDS_LOOKED_AT 32

void nw_tell_init(int control, uint32_t worker); /* the socket, and the number of this worker */

void nw_tell_engine(uint32_t kind, uint32_t deployment, int64_t value, const char *text);
/* The same with a file, which is taken over, or -1. */
void nw_tell_snapshot(uint32_t deployment, int file, const char *text);
bool nw_tell_waits(void);                             /* the engine has yet to read something */
void nw_tell_rest(void);                              /* what the engine was too slow to take */
bool nw_tell_usage(uint64_t now);                     /* when it changed, but not too often; true: look again soon */
bool nw_tell_holds(uint64_t now);                     /* what domains hold; the same */
bool nw_holds_untold(const struct nw_domain *domain); /* the engine has yet to hear of it */

void nw_tell_lines(void); /* what functions have said, as far as the engine takes it */

void nw_tell_calls(uint64_t now); /* which functions were called or run; the last calls before a rest may stay untold */

void nw_tell_refused(void); /* any lock: one more system call was refused */

#endif
