/*
 * Finding workers that are stopped (SIGSTOP) while somebody waits for them. Whether one is slow or stopped is asked of
 * the kernel, so neither a busy machine nor one that was suspended is taken for that. Workers that hang otherwise come
 * to the deadlines of their invocations.
 */
#ifndef NW_ENGINE_WORKERS_STOPPED_H
#define NW_ENGINE_WORKERS_STOPPED_H

#include <stdbool.h>

struct nw_seat;
struct nw_workers;

/* To be called at each tick. Looks at workers several times a second while any has an invocation, or loads or ends
 * something, and at none else; gives up those that were stopped at two looks in a row. */
void nw__stopped_tick(struct nw_workers *all);

/* Whether a process is stopped, from a line as in /proc/PID/stat. */
bool nw__stat_is_stopped(const char *line);

#endif
