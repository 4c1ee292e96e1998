/*
 * Finds workers that are stopped (SIGSTOP) while somebody waits for them. The kernel says whether one is stopped, so
 * slow workers are not mistaken for that on a busy machine, or one that was suspended. Workers that hang in other ways
 * are found by the deadlines of their invocations.
 */
#ifndef NW_ENGINE_WORKERS_STOPPED_H
#define NW_ENGINE_WORKERS_STOPPED_H

struct nw_seat;
struct nw_workers;

/* To be called at each tick. A few times a second, while anything is under way, looks at the workers that somebody
 * waits for, and gives up those that were stopped at two looks in a row. */
void nw__stopped_tick(struct nw_workers *all);

#endif
