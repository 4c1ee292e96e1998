/*
 * What a function may offer to Nightward beyond include/faas/worker_v1_interface.h. All of it is optional: what a
 * function does not define is not called, and nothing here has to be linked.
 *
 * Nightward takes a snapshot of a function when it has been loaded, and makes further instances from that instead of
 * loading it again (docs/functions.md#snapshots). So what was drawn at random, read from a clock or fetched while it
 * was loaded is the same in all of them, unless it is made anew in nw_after_restore.
 */
#ifndef NIGHTWARD_FUNCTION_H
#define NIGHTWARD_FUNCTION_H

#ifdef __cplusplus
extern "C" {
#endif

/* Called once, when faas_init and the first faas_create_func_worker have returned and a snapshot is about to be taken.
 * Here a function gives up what keeps it from having one: open files, sockets, threads and timers; and forgets what no
 * copy of it should know. */
void nw_before_snapshot(void);

/* Called in every instance before its first invocation: in the one that the snapshot was taken of, in each that is made
 * from it, and also if no snapshot could be taken after nw_before_snapshot. Here a function draws new random state and
 * opens again what it gave up. */
void nw_after_restore(void);

#ifdef __cplusplus
}
#endif

#endif
