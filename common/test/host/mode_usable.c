/* Tells the test runner whether mode mpk can run on this machine: status 0, or 1 and the reason on standard output. */
#include "common/host/mode.h"
#include <stdio.h>

int main(void)
{
    char why[256];
    if (nw_mode_mpk_usable(why, sizeof why))
        return 0;
    puts(why);
    return 1;
}
