/* See heat.h. */
#include "engine/placement/heat.h"

#define LEAST_MS 200  /* between two counts: messages that waited come all at once */
#define COOL_MS  2000 /* several times as long as a worker waits between two messages about what is called */

/* In a second. To take a key costs some tenths of a millisecond on both sides: below this it is no more than a
 * thousandth of a processor. */
#define FIGHTS 5
#define HOT    8

void nw_heat_note(struct nw_heat *heat, uint32_t calls, uint64_t rekeyed, uint64_t now)
{
    uint64_t took = now - heat->at;
    uint32_t called = (calls - heat->calls) / 2;
    uint64_t lost = rekeyed - heat->rekeyed;
    bool known = heat->at && calls >= heat->calls && rekeyed >= heat->rekeyed; /* else its domain is another one */
    if (known && took < LEAST_MS)
        return;
    *heat = (struct nw_heat){.at = now, .calls = calls, .rekeyed = rekeyed};
    if (!known)
        return;
    heat->hot = called * 1000ull >= HOT * took;
    heat->fights = lost * 1000 >= FIGHTS * took;
}

void nw_heat_cool(struct nw_heat *heat, uint64_t now)
{
    if (now - heat->at >= COOL_MS)
        heat->hot = heat->fights = false;
}
