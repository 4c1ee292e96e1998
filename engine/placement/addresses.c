/* See addresses.h. */
#include "engine/placement/addresses.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define PAGE 4096ull

static uint64_t draw(void)
{
    uint64_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        nw_die_system("cannot draw a random number: %s", strerror(errno));
    return random;
}

/* An odd stride meets every place, of which there are a power of two, before it meets one again. */
_Static_assert((NW_PLACES & (NW_PLACES - 1)) == 0, "some places would never be dealt");

void nw_addresses_init(struct nw_addresses *addresses)
{
    *addresses = (struct nw_addresses){.first = draw() % NW_PLACES, .stride = draw() | 1};
}

uint64_t nw_addresses_deal(struct nw_addresses *addresses)
{
    uint64_t place = (addresses->first + addresses->dealt++ * addresses->stride) % NW_PLACES;
    return NW_PLACES_START + place * NW_PLACE_SIZE + draw() % (NW_PLACE_SIZE / 2 / PAGE) * PAGE;
}
