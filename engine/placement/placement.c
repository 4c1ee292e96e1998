/* See placement.h. Rules are tried in their order, and the first that finds a seat decides. */
#include "engine/placement/placement.h"

#define CALLS_TO_MOVE 32 /* the least lead of a caller that a replica is moved to: not for a few calls */

static unsigned room_of(const struct nw_placement_seat *seat)
{
    unsigned most = seat->keys ? seat->keys : NW_PLACEMENT_UNKEYED;
    return seat->replicas < most ? most - seat->replicas : 0;
}

/* The seat may be full, since the predecessor's key is free in a moment, when the new version takes over. */
static bool is_successor(const struct nw_placement_seat *seat, const struct nw_placement_seat *best)
{
    (void)best;
    return seat->predecessor && (!seat->keys || seat->replicas <= seat->keys);
}

static bool has_callers(const struct nw_placement_seat *seat, const struct nw_placement_seat *best)
{
    return seat->calls && room_of(seat) && (!best || seat->calls > best->calls);
}

/* The fullest seat: functions that call one another are often deployed one after another, and a few busy workers cost
 * fewer wake-ups than many. */
static bool has_free_key(const struct nw_placement_seat *seat, const struct nw_placement_seat *best)
{
    return room_of(seat) && (!best || room_of(seat) < room_of(best));
}

static bool is_least_crowded(const struct nw_placement_seat *seat, const struct nw_placement_seat *best)
{
    return !best || seat->replicas < best->replicas;
}

/* One in which a key is wanted by nobody for most of the time; it has room for more domains. */
static bool is_cool(const struct nw_placement_seat *seat, const struct nw_placement_seat *best)
{
    return seat->hot < seat->keys && seat->replicas < NW_PLACEMENT_UNKEYED && (!best || seat->hot < best->hot);
}

typedef bool better(const struct nw_placement_seat *seat, const struct nw_placement_seat *best);

/* The index of the best seat that has no replica of the version yet and, unless `ill`, is not ill; n: there is none. */
static size_t best_of(const struct nw_placement_seat *seats, size_t n, bool ill, better *is_better)
{
    const struct nw_placement_seat *best = NULL;
    for (size_t i = 0; i < n; i++)
        if (!seats[i].has && (ill || !seats[i].ill) && is_better(&seats[i], best))
            best = &seats[i];
    return best ? (size_t)(best - seats) : n;
}

/* Whether one more worker may be started. Where one seat is stuck, that would fail for another, too. */
static bool may_start(const struct nw_placement_seat *seats, size_t n, size_t most)
{
    for (size_t i = 0; i < n; i++)
        if (seats[i].stuck)
            return false;
    return n < most;
}

bool nw_placement_choose(const struct nw_placement_seat *seats, size_t n, size_t most, struct nw_placement *placement)
{
    static const struct {
        enum nw_placement_rule rule;
        better *is_better;
    } rules[] = {{NW_PLACED_SUCCESSOR, is_successor}, {NW_PLACED_CALLERS, has_callers}, {NW_PLACED_FREE, has_free_key}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        *placement = (struct nw_placement){rules[i].rule, best_of(seats, n, false, rules[i].is_better)};
        if (placement->seat < n)
            return true;
    }
    *placement = (struct nw_placement){NW_PLACED_STARTED, n};
    if (may_start(seats, n, most))
        return true;
    placement->rule = NW_PLACED_CROWDED;
    placement->seat = best_of(seats, n, false, is_least_crowded);
    if (placement->seat == n)
        placement->seat = best_of(seats, n, true, is_least_crowded);
    return placement->seat < n;
}

/* Of two seats that both may go the fuller one stays, or else the first. */
static bool stays_rather(const struct nw_placement_seat *seat, const struct nw_placement_seat *from)
{
    if (!seat->grown || seat->replicas != from->replicas)
        return !seat->grown || seat->replicas > from->replicas;
    return seat < from;
}

/* The fullest seat that takes in all replicas of `from`, so that nothing moves in vain; n: there is none. */
static size_t gathers(const struct nw_placement_seat *seats, size_t n, const struct nw_placement_seat *from)
{
    const struct nw_placement_seat *best = NULL;
    for (size_t i = 0; i < n && from->grown; i++)
        if (&seats[i] != from && !seats[i].has && !seats[i].shares && !seats[i].ill &&
            room_of(&seats[i]) >= from->replicas && stays_rather(&seats[i], from) && has_free_key(&seats[i], best))
            best = &seats[i];
    return best ? (size_t)(best - seats) : n;
}

bool nw_placement_improve(const struct nw_placement_seat *seats, size_t n, size_t most, size_t from, bool fights,
                          struct nw_placement *placement)
{
    *placement = (struct nw_placement){NW_PLACED_CALLERS, best_of(seats, n, false, has_callers)};
    if (placement->seat < n && !seats[from].calls && seats[placement->seat].calls >= CALLS_TO_MOVE)
        return true;
    *placement = (struct nw_placement){NW_PLACED_GATHERED, gathers(seats, n, &seats[from])};
    if (placement->seat < n)
        return true;
    if (!seats[from].keys || seats[from].replicas <= seats[from].keys)
        return false;
    *placement = (struct nw_placement){NW_PLACED_FREE, best_of(seats, n, false, has_free_key)};
    if (placement->seat < n)
        return true;
    if (!fights || seats[from].hot <= seats[from].keys)
        return false;
    *placement = (struct nw_placement){NW_PLACED_STARTED, n};
    if (may_start(seats, n, most))
        return true;
    *placement = (struct nw_placement){NW_PLACED_COOLER, best_of(seats, n, false, is_cool)};
    return placement->seat < n;
}

const char *nw_placement_reason(enum nw_placement_rule rule)
{
    static const char *const reasons[NW_PLACED_RULES] = {
        [NW_PLACED_OWN] = "in mode process each function has workers of its own",
        [NW_PLACED_EVERYWHERE] = "each worker of the tenant has every function",
        [NW_PLACED_SUCCESSOR] = "the version before it was there",
        [NW_PLACED_CALLERS] = "its callers are there, or those that it calls, and a key was free",
        [NW_PLACED_FREE] = "the fullest worker in which a key was free",
        [NW_PLACED_STARTED] = "no worker had a free key, so this one was started",
        [NW_PLACED_GATHERED] = "all that was in its worker fitted here, so that one worker is enough",
        [NW_PLACED_COOLER] = "more functions were busy where it was than there are keys, and fewer are here",
        [NW_PLACED_CROWDED] = "no key was free and no more workers may or can be started: the least crowded one",
    };
    return reasons[rule];
}
