/* Time by the processor's counter, for what is measured at each switch: reading it costs less than the clock. Every
 * processor of a machine counts alike (constant_tsc, nonstop_tsc). */
#ifndef NW_WORKER_ACCOUNT_TICKS_H
#define NW_WORKER_ACCOUNT_TICKS_H

#include <stdint.h>

extern uint64_t nw__ticks_per_ms; /* for the functions here alone */

void nw_ticks_measure(void); /* once, at the start: takes a fraction of a millisecond */

static inline uint64_t nw_ticks(void)
{
    return __builtin_ia32_rdtsc();
}

static inline uint64_t nw_ticks_of_us(uint64_t us)
{
    return us * nw__ticks_per_ms / 1000;
}

static inline uint64_t nw_ticks_to_ns(uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * 1000000 / nw__ticks_per_ms);
}

#endif
