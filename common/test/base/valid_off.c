/* Compiled as a release build is, whatever the rest is. */
#undef NW_DEBUG
#include "common/test/base/valid_off.h"
#include "common/base/valid.h"
#include <stdbool.h>

struct thing {
    int asked;
};

static bool thing_is_valid(struct thing *thing)
{
    thing->asked++;
    return false;
}

int check_without_debug(void)
{
    struct thing thing = {0};
    nw_check_valid(thing, &thing);
    nw_check_that(thing_is_valid(&thing));
    return thing.asked;
}
