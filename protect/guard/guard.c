/* The functions that libnwguard.so puts in front of libc's. What it is for and what it is not is said in guard.h. */
#include "protect/guard/guard.h"
#include "common/base/atomic.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define EXPORT    __attribute__((visibility("default")))
#define MAX_ERRNO 4095ul

#define CALLER ((uintptr_t)__builtin_return_address(0))

static bool allowed(const char *name, const char *instead, uintptr_t return_address)
{
    if (!nw__refuse_all && nw__caller_of(return_address) == NW__CALLER_LIBPROTECT)
        return true;
    nw__report(name, instead, return_address);
    errno = EPERM;
    return false;
}

static long system_call(long number, long a, long b, long c, long d)
{
    long result;
    register long fourth __asm__("r10") = d;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    if ((unsigned long)result < -MAX_ERRNO)
        return result;
    errno = (int)-result;
    return -1;
}

/* libc's own function: this library must not hold the instruction that writes PKRU. Finding it twice does no harm. */
static void *libc_function(void **cache, const char *name)
{
    void *function = nw_load_acquire(cache); /* pairs with the store below */

    if (function == NULL) {
        function = dlsym(RTLD_NEXT, name);
        nw_store_release(cache, function); /* pairs with the load above */
    }
    if (function == NULL)
        errno = ENOSYS;
    return function;
}

EXPORT int pkey_alloc(unsigned int flags, unsigned int rights)
{
    if (!allowed("pkey_alloc", "nw_pkey_alloc", CALLER))
        return -1;
    return (int)system_call(SYS_pkey_alloc, flags, rights, 0, 0);
}

EXPORT int pkey_free(int key)
{
    if (!allowed("pkey_free", "nw_pkey_free", CALLER))
        return -1;
    return (int)system_call(SYS_pkey_free, key, 0, 0, 0);
}

EXPORT int pkey_mprotect(void *address, size_t length, int protection, int key)
{
    if (!allowed("pkey_mprotect", "nw_pkey_mprotect", CALLER))
        return -1;
    return (int)system_call(SYS_pkey_mprotect, (long)address, (long)length, protection, key);
}

EXPORT int pkey_set(int key, unsigned int rights)
{
    static void *cache;

    if (!allowed("pkey_set", "nw_pkey_set", CALLER))
        return -1;
    int (*next)(int, unsigned int) = libc_function(&cache, "pkey_set");
    return next == NULL ? -1 : next(key, rights);
}

EXPORT int pkey_get(int key)
{
    static void *cache;

    if (!allowed("pkey_get", "nw_pkey_get", CALLER))
        return -1;
    int (*next)(int) = libc_function(&cache, "pkey_get");
    return next == NULL ? -1 : next(key);
}

long nw__guarded_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    static const struct {
        const char *name, *instead;
    } calls[] = {
        [SYS_pkey_mprotect - SYS_pkey_mprotect] = {"syscall(SYS_pkey_mprotect)", "nw_pkey_mprotect"},
        [SYS_pkey_alloc - SYS_pkey_mprotect] = {"syscall(SYS_pkey_alloc)", "nw_pkey_alloc"},
        [SYS_pkey_free - SYS_pkey_mprotect] = {"syscall(SYS_pkey_free)", "nw_pkey_free"},
    };
    unsigned int i = ((unsigned int)number & ~(unsigned int)__X32_SYSCALL_BIT) - SYS_pkey_mprotect;
    (void)e, (void)f;

    if (!allowed(calls[i].name, calls[i].instead, CALLER))
        return -1;
    return system_call(number, a, b, c, d);
}
