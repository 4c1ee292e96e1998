/*
 * See source.h. User interrupts would be a third source, which needs no kernel on the way. They are looked for and
 * named, and no more: Linux has no interface for them, so there is none to write for where a processor has them.
 */
#include "worker/tick/source.h"
#include "common/base/log.h"
#include <cpuid.h>

#define LEAF_FEATURES 7
#define EDX_UINTR     (1u << 5)

static bool by_thread;

static bool has_user_interrupts(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(LEAF_FEATURES, 0, &a, &b, &c, &d) && d & EDX_UINTR;
}

int nw_tick_init(bool thread)
{
    by_thread = thread || !nw__timer_probe();
    nw_log(NW_LOG_DEBUG, "quanta end by %s; user interrupts are not used: %s",
           by_thread ? "one thread for all executors" : "a timer of each executor",
           has_user_interrupts() ? "Linux has no interface for them" : "the processor has none");
    return by_thread ? nw__ticker_start() : 0;
}

bool nw__tick_at(struct nw_executor *ex, uint64_t due)
{
    return by_thread ? nw__ticker_at(ex, due) : nw__timer_at(ex, due);
}
