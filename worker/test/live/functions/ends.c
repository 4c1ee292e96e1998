/*
 * A function that says when each part of it ends. Its input is what it prints, without an end of line; "hang" and
 * "crash" say what its exit handler is to do besides. With START=gone its func worker ends before it waits.
 */
#include <faas/worker_v1_interface.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char asked[64];

static void say(const char *what)
{
    if (write(STDERR_FILENO, what, strlen(what)) < 0)
        abort();
}

static void on_exit_of_the_program(void)
{
    say("exit handler\n");
    printf("left in the buffer");
    if (!strcmp(asked, "crash"))
        abort();
    while (!strcmp(asked, "hang"))
        pause();
}

__attribute__((destructor)) static void destructor(void)
{
    say("destructor\n");
}

int faas_init(void)
{
    printf("printed by faas_init");
    return atexit(on_exit_of_the_program);
}

static pthread_t func_worker;
static char *page; /* of what the stub has of its func worker, where the first flow has something, too */
static sem_t faulted;

/* The stub has said that the func worker is made. Its first flow has time to say that the function is up. */
static void leave(int unused)
{
    (void)unused;
    if (pthread_equal(pthread_self(), func_worker)) {
        sem_post(&faulted);
        usleep(200000);
        syscall(SYS_exit, 0);
    }
    while (sem_wait(&faulted) < 0)
        continue;
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

/* The func worker will fault before it waits. */
static int prepare_to_leave(void *context)
{
    func_worker = pthread_self();
    page = (char *)((uintptr_t)context & -4096ul);
    sem_init(&faulted, 0, 0);
    signal(SIGSEGV, leave);
    return mprotect(page, 4096, PROT_NONE);
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    const char *start = getenv("START");

    (void)invoke, (void)append;
    *handle = NULL;
    return start && !strcmp(start, "gone") ? prepare_to_leave(context) : 0;
}

int faas_destroy_func_worker(void *handle)
{
    (void)handle;
    say("func worker\n");
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    (void)handle;
    snprintf(asked, sizeof(asked), "%.*s", (int)length, input);
    return printf("%s", asked) < 0;
}
