/*
 * The program that guard_test.c runs with libnwguard.so preloaded: guard-user MODE. Ends with 0 when the calls of that
 * mode were answered as guard.h says, else with the line that was not.
 */
#include "protect/test/guard/guard_user.h"
#include "include/nightward/protect.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

#define expect(condition)          \
    do {                           \
        if (!(condition))          \
            return __LINE__ % 256; \
    } while (0)

/* The answer of a refused call. errno is set to something else first. */
#define refused(call) (errno = 0, (call) == -1 && errno == EPERM)

static char page[PAGE] __attribute__((aligned(PAGE)));

/* Kept out of line, so that there is one call site however often it is called. */
static __attribute__((noinline)) int alloc_at_one_site(void)
{
    return pkey_alloc(0, 0);
}

static int call_functions(void)
{
    for (int i = 0; i < 3; i++)
        expect(refused(alloc_at_one_site()));
    expect(refused(pkey_free(1)));
    expect(refused(pkey_mprotect(page, PAGE, PROT_READ, 0)));
    expect(refused(pkey_set(1, 0)));
    expect(refused(pkey_get(1)));
    page[0] = 1;
    return 0;
}

static int call_syscall(void)
{
    expect(refused(syscall(SYS_pkey_alloc, 0, 0)));
    expect(refused(syscall(SYS_pkey_free, 1)));
    expect(refused(syscall(SYS_pkey_mprotect, page, PAGE, PROT_READ, 0)));
    expect(refused(syscall(SYS_pkey_alloc | 0x40000000, 0, 0)));
    expect(refused(syscall(SYS_pkey_alloc | 1l << 40, 0, 0)));
    expect(syscall(SYS_getpid) == getpid());
    expect(syscall(SYS_close, -1) == -1 && errno == EBADF);
    long map = syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    expect(map != -1 && *(char *)map == 0);
    expect(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1L) == -1 && errno == EINVAL);
    return 0;
}

static int call_libprotect(void)
{
    nw_pkey key;

    expect(nw_pkey_limit() > 0);
    expect(nw_pkey_alloc(0, NW_PKEY_NO_ACCESS, &key) == 0);
    expect(nw_pkey_mprotect(page, PAGE, PROT_READ | PROT_WRITE, key) == 0);
    expect(nw_pkey_set(key, 0) == 0 && nw_pkey_get(key) == 0);
    page[0] = 1;
    expect(nw_pkey_set(key, NW_PKEY_NO_ACCESS) == 0);
    expect(nw_pkey_mprotect(page, PAGE, PROT_READ, NW_PKEY_DEFAULT) == 0);
    expect(nw_pkey_free(key) == 0);
    return page[0] == 1 ? 0 : 1;
}

static bool thread_was_refused(int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))
{
    pthread_t thread;
    void *result = NULL;

    return create(&thread, NULL, guard_user_tail, NULL) == 0 && pthread_join(thread, &result) == 0 &&
           (int)(intptr_t)result == -1;
}

static int call_in_tail_position(void)
{
    expect(thread_was_refused(pthread_create));
    return 0;
}

/* What libprotect calls back is not libprotect. */
static int call_in_tail_position_below_libprotect(void)
{
    expect(nw_pkey_limit() > 0);
    expect(thread_was_refused(nw_pkey_thread_create));
    return 0;
}

/* sub $8,%rsp; mov $pkey_alloc,%rax; call *%rax; add $8,%rsp; ret */
static int call_from_no_module(void)
{
    unsigned char code[] = {0x48, 0x83, 0xec, 8,    0x48, 0xb8, 0,    0,    0, 0,   0,
                            0,    0,    0,    0xff, 0xd0, 0x48, 0x83, 0xc4, 8, 0xc3};
    int (*function)(unsigned int, unsigned int) = pkey_alloc;
    void *made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    expect(made != MAP_FAILED);
    memcpy(code + 6, &function, sizeof function);
    memcpy(made, code, sizeof code);
    expect(mprotect(made, PAGE, PROT_READ | PROT_EXEC) == 0);
    expect(refused(((int (*)(unsigned int, unsigned int))made)(0, 0)));
    return 0;
}

static int call_without_unwind_info(void)
{
    expect(refused(guard_user_no_unwind_info(0, 0)));
    return 0;
}

/* A plugin that finds libc before the guard is not seen. */
static int call_from_plugin(const char *mode, const char *path)
{
    bool apart = strcmp(mode, "dlmopen") == 0, deep = strcmp(mode, "deepbind") == 0;
    void *plugin = apart ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW) : dlopen(path, RTLD_NOW | (deep ? RTLD_DEEPBIND : 0));

    expect(plugin != NULL);
    int (*plugin_alloc)(void) = (int (*)(void))dlsym(plugin, "plugin_alloc");
    expect(plugin_alloc != NULL);
    expect(apart || deep ? plugin_alloc() > 0 : refused(plugin_alloc()));
    return 0;
}

/* What the guard does not see: the reason why it is no boundary. */
static int call_with_own_instruction(void)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_pkey_free), "D"(-1) : "rcx", "r11", "memory");
    expect(result < 0 && result != -EPERM);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } modes[] = {
        {"functions", call_functions},
        {"syscall", call_syscall},
        {"libprotect", call_libprotect},
        {"tail", call_in_tail_position},
        {"callback", call_in_tail_position_below_libprotect},
        {"no-module", call_from_no_module},
        {"no-unwind-info", call_without_unwind_info},
        {"instruction", call_with_own_instruction},
    };

    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
    }
    return argc > 2 ? call_from_plugin(argv[1], argv[2]) : 2;
}
