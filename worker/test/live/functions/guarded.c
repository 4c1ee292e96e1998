/*
 * A function for guarded_test.c: does what a function must not do with protection keys and answers how each ended. Its
 * soname is that of libprotect, which helps it nothing. Exported functions are the call sites that the log must name.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <nightward/protect.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct guarded {
    void *context;
    faas_append_output_fn_t append;
};

static char page[4096] __attribute__((aligned(4096)));

__attribute__((noinline)) int guarded_alloc(void);
long guarded_raw(long number);

/* One call site: a loop that is not unrolled. */
int guarded_alloc(void)
{
    volatile int times = 3;
    int failed = 0;

    for (int i = 0; i < times; i++)
        failed += pkey_alloc(0, 0) < 0;
    return failed == 3 ? -1 : 0;
}

/* The thread's first function is pkey_alloc itself, so the caller is libc. */
static int from_libc(void)
{
    void *(*start)(void *);
    void *function = (void *)pkey_alloc, *result = NULL;
    pthread_t thread;

    memcpy(&start, &function, sizeof(start));
    if (pthread_create(&thread, NULL, start, NULL) == 0)
        pthread_join(thread, &result);
    errno = EPERM; /* that of the thread is gone with it */
    return (int)(long)result;
}

long guarded_raw(long number)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(0L), "S"(0L), "d"(0L) : "rcx", "r11", "memory");
    return result;
}

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct guarded *guarded = malloc(sizeof(*guarded));

    (void)invoke_func_fn;
    if (!guarded)
        return -1;
    *guarded = (struct guarded){caller_context, append_output_fn};
    *worker_handle = guarded;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

static void tell(const struct guarded *guarded, const char *what, long result)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "done");

    guarded->append(guarded->context, line, (size_t)length);
}

/* For what returns a negative errno. */
static void tell_error(const struct guarded *guarded, const char *what, long result)
{
    errno = (int)-result;
    tell(guarded, what, result);
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct guarded *guarded = worker_handle;

    (void)input;
    (void)input_length;
    tell(guarded, "pkey_alloc", guarded_alloc());
    tell(guarded, "pkey_free", pkey_free(1));
    tell(guarded, "pkey_mprotect", pkey_mprotect(page, sizeof(page), PROT_READ, 1));
    tell(guarded, "pkey_set", pkey_set(1, 0));
    tell(guarded, "pkey_get", pkey_get(1));
    tell(guarded, "syscall(pkey_alloc)", syscall(SYS_pkey_alloc, 0, 0));
    tell(guarded, "syscall(pkey_free)", syscall(SYS_pkey_free, 1));
    tell(guarded, "syscall(pkey_mprotect)", syscall(SYS_pkey_mprotect, page, sizeof(page), PROT_READ, 1));
    tell(guarded, "from libc", from_libc());
    tell_error(guarded, "instruction pkey_alloc", guarded_raw(SYS_pkey_alloc));
    tell_error(guarded, "instruction pkey_free", guarded_raw(SYS_pkey_free));
    tell_error(guarded, "instruction pkey_mprotect", guarded_raw(SYS_pkey_mprotect));
    tell_error(guarded, "libprotect", nw_pkey_limit());
    tell(guarded, "syscall(getpid)", syscall(SYS_getpid));
    return 0;
}
