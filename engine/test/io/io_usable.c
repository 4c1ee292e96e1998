/* Tells the test runner whether io_uring can be used on this machine: status 0, or 1 and the reason on standard output.
 */
#include "engine/io/choice/choice.h"
#include <stdio.h>

int main(void)
{
    char why[256];
    struct nw_io *io = nw_io_new(NW_IO_URING, why, sizeof why);
    if (io) {
        nw_io_free(io);
        return 0;
    }
    puts(why);
    return 1;
}
