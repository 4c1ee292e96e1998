/* See now.h. */
#include "worker/base/now.h"
#include "common/base/clock.h"

uint64_t nw_now(void)
{
    return nw_clock_ns();
}
