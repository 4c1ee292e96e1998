/*
 * Who is woken when there is something to do. An executor that finds nothing to run sleeps: one of them, the leader, on
 * the doorbell that the engine rings, the others on a condition. The control thread sleeps until a time that it names,
 * or until its eventfd is written to. Knows nothing of what they do once they are awake.
 *
 * The monitor's lock is held, but for nw_wake_init, nw_wake and nw_wake_control.
 */
#ifndef NW_WORKER_EXECUTOR_WAKE_H
#define NW_WORKER_EXECUTOR_WAKE_H

#include <stdbool.h>
#include <stdint.h>

/* The doorbell of the leader. Returns the eventfd of the control thread, or a negative errno. */
int nw_wake_init(int doorbell);

void nw_wake_executor(void); /* one that sleeps looks for work: the leader only when nobody else sleeps */
void nw_wake_leader(void);   /* the leader, if there is one, looks at the rings anew */
void nw_wake_control(void);  /* the control thread looks at functions and timers */

/* nw_wake_executor in two steps, of which the second needs no lock: who is woken would have to wait for it. */
enum nw_wake_whom {
    NW_WAKE_NOBODY,
    NW_WAKE_IDLE,
    NW_WAKE_LEADER,
};

enum nw_wake_whom nw_wake_whom(void);
void nw_wake(enum nw_wake_whom whom);

/* The control thread looks at timers at this time, if not before. */
void nw_wake_control_by(uint64_t at);

/* The executor sleeps until it is woken, not as the leader. The lock is released meanwhile. */
void nw_wake_await(void);

/* Whether there is a leader; an executor becomes the leader, and stops being it. */
bool nw_wake_is_led(void);
void nw_wake_lead(bool leads);

/* Whether an executor sleeps that is not the leader. */
bool nw_wake_has_idle(void);

/* Executors that sleep, with the leader. */
uint32_t nw__wake_asleep(void);

/* When the control thread looks again at what executors run. */
enum nw_control_rest {
    NW_CONTROL_TICKS, /* every tick */
    NW_CONTROL_NAPS,  /* a few ticks later, unless something runs that is known to be long */
    NW_CONTROL_RESTS, /* when something runs again */
};

/* The control thread says when it comes by itself, and whether somebody has to wake it. */
void nw_wake_control_sleeps(uint64_t until, enum nw_control_rest rest);
void nw_wake_resting_control(bool runs_long); /* something runs: it looks if it waits for that */

#endif
