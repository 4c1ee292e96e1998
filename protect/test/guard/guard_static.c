/* Makes a protection key: guard_test.c runs it linked statically, and with libprotect.a. Prints the answer. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#ifdef WITH_LIBPROTECT
#include "include/nightward/protect.h"
#endif

int main(void)
{
#ifdef WITH_LIBPROTECT
    printf("%d\n", nw_pkey_limit());
#else
    printf("%d\n", pkey_alloc(0, 0) < 0 ? -errno : 1);
#endif
    return 0;
}
