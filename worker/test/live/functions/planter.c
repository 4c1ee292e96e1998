/*
 * Leaves a secret in memory of every kind, and changes whatever else an invocation can change, to be run as a fresh
 * function. Its input says what; "look" answers with all that is not as it was when it was loaded.
 */
#include "worker/base/ops.h"
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <nightward/function.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define PAGE   4096
#define PAGES  64
#define SECRET 32
#define LARGE  (24ul << 20)
#define TURNED 0x5a /* the input does not hold the secret itself, so that no copy of it is mistaken for it */

static void *handle;
static faas_append_output_fn_t append;
static faas_invoke_func_fn_t invoke;
static char *initial, *reserved, *kept; /* written, reserved and allocated while it was loaded */
static char data[2 * PAGE];
static unsigned count, restored;
static FILE *stream; /* it writes nowhere: what a function prints is in the log, where it belongs */
static _Thread_local char of_thread[SECRET];
static char secret[SECRET + 1];
static uint64_t gate;

/* ld.so hands constructors what it got itself; the stub's first argument is the address of the gate. */
__attribute__((constructor)) static void find_gate(int argc, char **argv)
{
    if (argc > 1)
        gate = strtoul(argv[1], NULL, 16);
}

static void *sleeper(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void start_thread(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, sleeper, NULL))
        abort();
}

static ssize_t drop(void *cookie, const char *text, size_t length)
{
    (void)cookie;
    (void)text;
    return (ssize_t)length;
}

int faas_init(void)
{
    stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = drop});
    initial = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    reserved = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    kept = malloc(PAGE);
    if (!stream || initial == MAP_FAILED || reserved == MAP_FAILED || !kept)
        return -1;
    memset(initial, 'i', PAGES * PAGE);
    strcpy(kept, "kept");
    if (getenv("START"))
        start_thread();
    return 0;
}

void nw_after_restore(void)
{
    restored++;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func,
                            faas_append_output_fn_t append_output, void **worker_handle)
{
    invoke = invoke_func;
    append = append_output;
    *worker_handle = caller_context;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    (void)worker_handle;
    return 0;
}

/* ---- what is left behind ---- */

static void on_stack(void)
{
    volatile char deep[16 * PAGE];

    for (size_t i = 0; i + SECRET <= sizeof(deep); i += SECRET)
        memcpy((char *)deep + i, secret, SECRET);
}

static void in_registers(void)
{
    __asm__ volatile("movdqu (%0), %%xmm6; movdqu (%0), %%xmm15" : : "r"(secret) : "xmm6", "xmm15");
}

static void *in_thread(void *unused)
{
    char *own = malloc(PAGE);

    memcpy(own, secret, SECRET);
    memcpy(of_thread, secret, SECRET);
    on_stack();
    return unused;
}

static void in_arenas(void)
{
    pthread_t thread;
    char *freed = malloc(PAGE), *large = malloc(LARGE);

    if (pthread_create(&thread, NULL, in_thread, NULL) || pthread_join(thread, NULL))
        abort();
    for (size_t i = 0; i < LARGE; i += PAGE)
        memcpy(large + i, secret, SECRET);
    memcpy(freed + 64, secret, SECRET);
    free(freed);
    memcpy(kept + 64, secret, SECRET);
}

static void in_mappings(void)
{
    char *page = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memcpy(page + PAGE, secret, SECRET);
    mprotect(page, PAGES * PAGE, PROT_READ);
    mprotect(reserved + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE);
    memcpy(reserved + PAGE, secret, SECRET);
    memcpy(initial + 3 * PAGE, secret, SECRET);
    madvise(initial + 8 * PAGE, 2 * PAGE, MADV_DONTNEED);
    memcpy(initial + 8 * PAGE, secret, SECRET);
    mprotect(initial + 3 * PAGE, PAGE, PROT_NONE);
    munmap(initial + 16 * PAGE, 4 * PAGE);
    mprotect(data + PAGE, PAGE, PROT_READ);
}

static void elsewhere(void)
{
    static char alternate[64 << 10];
    const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    sigset_t all;

    memcpy(data, secret, SECRET);
    memcpy(of_thread, secret, SECRET);
    setenv("SECRET", secret, 1);
    printf("half a line");
    fputs(secret, stream);
    signal(SIGUSR1, SIG_IGN);
    sigaltstack(&stack, NULL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (open("/etc/localtime", O_RDONLY) < 0 && open("/dev/null", O_RDONLY) < 0)
        abort();
}

static void plant(const char *input, size_t length)
{
    for (size_t i = 0; i < SECRET && i < length; i++)
        secret[i] = (char)(input[i] ^ TURNED);
    on_stack();
    in_arenas();
    in_mappings();
    elsewhere();
    in_registers();
}

/* ---- what is found ---- */

static int is_writable(char *page)
{
    int ends[2], can;

    if (pipe(ends) < 0 || write(ends[1], "x", 1) != 1)
        return -1;
    can = read(ends[0], page, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return can;
}

static const char *changed_memory(void)
{
    for (size_t i = 0; i < PAGES * PAGE; i++)
        if (initial[i] != 'i')
            return "initial memory";
    if (strcmp(kept, "kept") != 0 || kept[64] || of_thread[0] || data[0] || count != 1)
        return "data";
    if (is_writable(reserved + PAGE) || !is_writable(data + PAGE))
        return "rights";
    return NULL;
}

static const char *changed(void)
{
    struct sigaction action;
    stack_t stack;
    sigset_t mask;

    sigaction(SIGUSR1, NULL, &action);
    sigaltstack(NULL, &stack);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (lseek(3, 0, SEEK_CUR) >= 0)
        return "a file";
    if (action.sa_handler != SIG_DFL || !(stack.ss_flags & SS_DISABLE) || sigismember(&mask, SIGUSR2))
        return "signals";
    if (getenv("SECRET"))
        return "environment";
    if (restored != 1)
        return "an invocation without its hook";
    return changed_memory();
}

static const char *call_itself(void)
{
    const char *output;
    size_t length;

    return invoke(handle, "planter", "look", 4, &output, &length) == 0 ? "answered" : "refused";
}

static const char *alarm_later(void)
{
    const struct itimerval hour = {.it_value.tv_sec = 3600};

    setitimer(ITIMER_REAL, &hour, NULL);
    return "set";
}

static const char *has_alarm(void)
{
    struct itimerval left;

    getitimer(ITIMER_REAL, &left);
    return left.it_value.tv_sec ? "set" : "none";
}

static const char *leave_thread(void)
{
    start_thread();
    return "left";
}

static const char *load_code(void)
{
    int fd = open("/function/planter", O_RDONLY);
    void *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

    return fd < 0 ? "no file" : code == MAP_FAILED ? "no code" : "mapped";
}

/* Like a func worker that waits for its next invocation. */
static void *waiter(void *unused)
{
    uint64_t rax = gate, rdx, op = NW_OP_WAIT;
    const char *inbox = data;
    register uint64_t r10 __asm__("r10") = PAGE;
    register const char *r8 __asm__("r8") = data;
    register uint64_t r9 __asm__("r9") = 0;

    __asm__ volatile("call *%%rax"
                     : "+a"(rax), "=d"(rdx), "+D"(op), "+S"(inbox), "+r"(r10), "+r"(r8), "+r"(r9)
                     :
                     : "rcx", "r11", "memory", "cc");
    return unused;
}

/* Meanwhile the invocation goes on. */
static const char *wait_too(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, waiter, NULL))
        return "no thread";
    for (;;)
        pause();
}

static const struct {
    const char *name;
    const char *(*run)(void);
} acts[] = {
    {"self", call_itself},    {"alarm", alarm_later}, {"has-alarm", has_alarm},
    {"thread", leave_thread}, {"code", load_code},    {"wait", wait_too},
};

int faas_func_call(void *worker_handle, const char *input, size_t length)
{
    const char *answer = NULL;

    handle = worker_handle;
    count++;
    if (length == 5 && memcmp(input, "crash", 5) == 0)
        *(volatile int *)0 = 0; /* NOLINT: that is what it is for */
    if (length == 4 && memcmp(input, "look", 4) == 0) {
        answer = changed();
        answer = answer ? answer : "nothing";
    }
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (length == strlen(acts[i].name) && memcmp(input, acts[i].name, length) == 0)
            answer = acts[i].run();
    if (!answer) {
        plant(input, length);
        answer = "planted";
    }
    append(handle, answer, strlen(answer));
    return 0;
}
