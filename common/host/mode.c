/* The names of the isolation modes. Whether this machine can run mpk is asked in mode_probe.c. */
#include "common/host/mode.h"
#include <errno.h>
#include <string.h>

static const char *const names[NW_MODE_COUNT] = {
    [NW_MODE_AUTO] = "auto",
    [NW_MODE_MPK] = "mpk",
    [NW_MODE_PROCESS] = "process",
    [NW_MODE_NONE] = "none",
};

const char *nw_mode_name(enum nw_mode mode)
{
    return names[mode];
}

int nw_mode_parse(const char *name)
{
    for (int mode = 0; mode < NW_MODE_COUNT; mode++)
        if (!strcmp(name, names[mode]))
            return mode;
    return -EINVAL;
}
