/* The engine that leaves checks out, for tests (common/base/without.h): which one, it is told in NW_WITHOUT. Never
 * installed. */
#include "common/base/without.h"
#include "common/base/log.h"
#include <stdlib.h>
#include <string.h>

bool nw_left_unchecked[NW_CHECK_COUNT];

static const char *const names[NW_CHECK_COUNT] = {
    [NW_CHECK_INDEX] = "index", [NW_CHECK_PAYLOAD] = "payload", [NW_CHECK_STATUS] = "status",
    [NW_CHECK_BLOCK] = "block", [NW_CHECK_OWNER] = "owner",     [NW_CHECK_LENGTH] = "length",
    [NW_CHECK_FOLD] = "fold",   [NW_CHECK_USER] = "user",       [NW_CHECK_NAME] = "name",
    [NW_CHECK_SHARE] = "share", [NW_CHECK_LOADS] = "loads",
};

__attribute__((constructor)) static void choose(void)
{
    const char *name = getenv("NW_WITHOUT");
    int check = 0;

    if (!name)
        return;
    while (check < NW_CHECK_COUNT && strcmp(names[check], name) != 0)
        check++;
    if (check == NW_CHECK_COUNT)
        nw_die_usage("NW_WITHOUT knows no check \"%s\"", name);
    nw_left_unchecked[check] = true;
}
