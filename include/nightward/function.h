/*
 * What a function and Nightward may offer to each other beyond include/faas/worker_v1_interface.h. All of it is
 * optional: what a function does not define is not called, nothing here has to be linked, and what a function calls is
 * declared weak, so that it also loads where that is not, and asks first:
 *
 *     if (nw_time_left && nw_time_left() < 50)
 *         return give_a_short_answer();
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
 * from it, and also if no snapshot could be taken after nw_before_snapshot; of a fresh function, at the beginning of
 * each invocation. Here a function draws new random state and opens again what it gave up. */
void nw_after_restore(void);

/*
 * Milliseconds until nobody waits any more for what this thread answers: until the deadline of this function, of the
 * functions of the same worker that wait for it, or of the client (X-Timeout), whichever comes first. 0 when it has
 * passed; -1 on a thread that runs no invocation. Deadlines of functions are looked at a few hundred times a second, so
 * the first milliseconds of an invocation may be missing from them.
 */
long nw_time_left(void) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
