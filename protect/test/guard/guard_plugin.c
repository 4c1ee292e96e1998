/* A library that guard_user.c opens while it runs. */
#include <sys/mman.h>

__attribute__((visibility("default"))) int plugin_alloc(void);

int plugin_alloc(void)
{
    int key = pkey_alloc(0, 0);

    return key < 0 ? -1 : key;
}
