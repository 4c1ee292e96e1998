/* A signal that is pending is taken, by a flow that waits for it or on the way to its handler. See signals.h. */
#include "worker/domain/domain.h"
#include "worker/signal/signals.h"
#include <signal.h>

static bool take_timer(struct nw_slot *slot, uint64_t bit, struct nw_signal_info *info)
{
    struct nw_signals *signals = &slot->domain->signals;

    for (uint32_t i = 0; i < NW_SIGNAL_TIMERS; i++) {
        struct nw_signal_timer *timer = &signals->timers[i];

        if (!timer->pending || NW_SIGNAL_BIT(timer->signal) != bit || (timer->tid && timer->tid != slot->tid))
            continue;
        nw__signal_timer_taken(slot->domain, timer);
        info->code = i ? SI_TIMER : SI_KERNEL;
        info->timer = i ? i - 1 : 0;
        info->value = timer->value;
        info->overrun = timer->overran;
        return true;
    }
    return false;
}

bool nw_signal_take(struct nw_slot *slot, uint64_t set, struct nw_signal_info *info)
{
    uint64_t bit = nw_signal_pending(slot) & set;

    bit &= -bit;
    if (!bit)
        return false;
    *info = (struct nw_signal_info){.signal = __builtin_ctzll(bit) + 1};
    if (slot->signals.pending & bit)
        info->code = slot->signals.from_kill & bit ? SI_USER : SI_TKILL;
    else if (slot->domain->signals.pending & bit)
        info->code = SI_USER;
    else
        return take_timer(slot, bit, info);
    if (slot->signals.pending & bit)
        slot->signals.pending &= ~bit;
    else
        slot->domain->signals.pending &= ~bit;
    slot->signals.from_kill &= ~bit;
    return true;
}
