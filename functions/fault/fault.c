/*
 * Misbehaves as its input says, to show what the runtime does about it. "ok" answers normally; everything else is a
 * way to fail: see the table at the end. Names and arguments are separated by one space: "write 0x1000".
 */
#include <faas/worker_v1_interface.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LEAKED_BYTES   (1 << 20)
#define LEAKED_FDS_MAX 100000
#define LEAKED_THREADS 4

struct fault {
    void *context;
    faas_append_output_fn_t append;
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct fault *fault = malloc(sizeof *fault);

    (void)invoke_func_fn;
    if (!fault)
        return -1;
    *fault = (struct fault){.context = caller_context, .append = append_output_fn};
    *worker_handle = fault;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

__attribute__((format(printf, 2, 3))) static void say(const struct fault *fault, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fault->append(fault->context, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static int do_ok(const struct fault *fault, const char *argument)
{
    (void)argument;
    say(fault, "ok\n");
    return 0;
}

static int do_return(const struct fault *fault, const char *argument)
{
    (void)fault;
    (void)argument;
    return 7;
}

/* The address goes through a volatile, or the compiler would see the mistake and remove it. */
static volatile char *address(const char *argument)
{
    volatile uintptr_t value = strtoull(argument, NULL, 16);

    return (volatile char *)value;
}

static int do_segv(const struct fault *fault, const char *argument)
{
    (void)argument;
    *address("0x10") = 1;
    say(fault, "survived a write through a bad pointer\n");
    return 0;
}

static int do_read(const struct fault *fault, const char *argument)
{
    say(fault, "read 0x%02x\n", (unsigned char)*address(argument));
    return 0;
}

static int do_write(const struct fault *fault, const char *argument)
{
    *address(argument) = 'X';
    say(fault, "wrote\n");
    return 0;
}

static unsigned recurse(unsigned depth)
{
    volatile char frame[4096];

    frame[0] = (char)depth;
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + (unsigned)frame[0];
}

static int do_overflow(const struct fault *fault, const char *argument)
{
    (void)argument;
    say(fault, "the stack did not end: %u\n", recurse(0));
    return 0;
}

static int do_abort(const struct fault *fault, const char *argument)
{
    (void)fault;
    (void)argument;
    abort();
}

static int do_exit(const struct fault *fault, const char *argument)
{
    (void)fault;
    (void)argument;
    exit(3);
}

static int do_badfree(const struct fault *fault, const char *argument)
{
    volatile size_t inside = 8;
    char *volatile block = calloc(1, 64);

    (void)argument;
    free(block + inside);
    say(fault, "malloc did not notice a bad free\n");
    return 0;
}

static int do_loop(const struct fault *fault, const char *argument)
{
    volatile int forever = 1;

    (void)argument;
    while (forever)
        ;
    say(fault, "the loop ended\n");
    return 0;
}

static int do_sleep(const struct fault *fault, const char *argument)
{
    sleep(*argument ? (unsigned)atoi(argument) : 3600);
    say(fault, "slept\n");
    return 0;
}

static int do_deadlock(const struct fault *fault, const char *argument)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    (void)argument;
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
    say(fault, "got the same mutex twice\n");
    return 0;
}

/* Each block holds the address of the one before, so that all of them can be given back. */
static int do_oom(const struct fault *fault, const char *argument)
{
    void **last = NULL;
    unsigned blocks = 0;
    int error;

    (void)argument;
    for (void **block; (block = malloc(LEAKED_BYTES)); blocks++) {
        memset(block, 1, LEAKED_BYTES);
        *block = last;
        last = block;
    }
    error = errno;
    while (last) {
        void **block = last;
        last = *block;
        free(block);
    }
    say(fault, "malloc: %s after %u MiB; all of it freed\n", strerrorname_np(error), blocks);
    return 0;
}

static int do_leak(const struct fault *fault, const char *argument)
{
    void *volatile block = malloc(LEAKED_BYTES);

    (void)argument;
    if (!block) {
        say(fault, "malloc: %s\n", strerrorname_np(errno));
        return 0;
    }
    memset(block, 1, LEAKED_BYTES);
    say(fault, "leaked %d bytes\n", LEAKED_BYTES);
    return 0;
}

static int do_fdleak(const struct fault *fault, const char *argument)
{
    int opened = 0;

    (void)argument;
    while (opened < LEAKED_FDS_MAX && open("/dev/null", O_RDONLY) >= 0)
        opened++;
    say(fault, "open: %s after %d descriptors; all of them left open\n", strerrorname_np(errno), opened);
    return 0;
}

static void *wait_forever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static int do_threadleak(const struct fault *fault, const char *argument)
{
    int started = 0, error = 0;
    pthread_t thread;

    (void)argument;
    while (started < LEAKED_THREADS && !(error = pthread_create(&thread, NULL, wait_forever, NULL)))
        started++;
    say(fault, "started %d threads that never end%s%s\n", started, error ? ", then " : "",
        error ? strerrorname_np(error) : "");
    return 0;
}

static void report_syscall(const struct fault *fault, const char *name, long result)
{
    if (result < 0)
        say(fault, "%s: %s\n", name, strerrorname_np(errno));
    else
        say(fault, "%s: %ld\n", name, result);
}

/* Every argument is 0: for ptrace that is PTRACE_TRACEME. */
static int do_syscall(const struct fault *fault, const char *argument)
{
    long number = strcmp(argument, "ptrace") ? strtol(argument, NULL, 0) : SYS_ptrace;

    report_syscall(fault, argument, syscall(number, 0L, 0L, 0L, 0L, 0L, 0L));
    return 0;
}

static int do_pkey(const struct fault *fault, const char *argument)
{
    static char page[4096] __attribute__((aligned(4096)));

    (void)argument;
    report_syscall(fault, "pkey_alloc", pkey_alloc(0, 0));
    report_syscall(fault, "pkey_mprotect", pkey_mprotect(page, sizeof page, PROT_READ | PROT_WRITE, 1));
    report_syscall(fault, "pkey_free", pkey_free(1));
    return 0;
}

static const struct {
    const char *name;
    int (*run)(const struct fault *fault, const char *argument);
} actions[] = {
    {"ok", do_ok},                 /* answers "ok" */
    {"return", do_return},         /* returns 7 */
    {"segv", do_segv},             /* writes through a bad pointer */
    {"read", do_read},             /* "read 0xADDRESS": reads one byte */
    {"write", do_write},           /* "write 0xADDRESS": writes one byte */
    {"overflow", do_overflow},     /* recurses until the stack ends */
    {"abort", do_abort},           /* abort() */
    {"exit", do_exit},             /* exit(3) */
    {"badfree", do_badfree},       /* frees the middle of a block */
    {"loop", do_loop},             /* computes for ever */
    {"sleep", do_sleep},           /* "sleep [SECONDS]", an hour by default */
    {"deadlock", do_deadlock},     /* locks a mutex twice */
    {"oom", do_oom},               /* allocates until malloc fails, then frees all of it */
    {"leak", do_leak},             /* allocates and forgets 1 MiB */
    {"fdleak", do_fdleak},         /* opens files until that fails, and leaves them open */
    {"threadleak", do_threadleak}, /* starts threads that never end */
    {"syscall", do_syscall},       /* "syscall ptrace" or "syscall NUMBER", with all arguments 0 */
    {"pkey", do_pkey},             /* tries the syscalls that change protection keys */
};

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    char text[64], *argument;

    if (input_length >= sizeof text)
        return 1;
    snprintf(text, sizeof text, "%.*s", (int)input_length, input);
    argument = strchr(text, ' ');
    if (argument)
        *argument++ = '\0';
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(actions[i].name, text))
            return actions[i].run(worker_handle, argument ? argument : "");
    fprintf(stderr, "fault: \"%s\" is not something this function knows\n", text);
    return 1;
}
