/* See ticks.h. */
#include "worker/account/ticks.h"
#include "common/base/clock.h"

#define LONG_ENOUGH_NS 200000ull

uint64_t nw__ticks_per_ms = 1000000;

void nw_ticks_measure(void)
{
    const uint64_t began_ns = nw_clock_ns(), began = nw_ticks();
    uint64_t passed_ns = 0;

    while (passed_ns < LONG_ENOUGH_NS)
        passed_ns = nw_clock_ns() - began_ns;
    nw__ticks_per_ms = (nw_ticks() - began) * 1000000 / passed_ns;
}
