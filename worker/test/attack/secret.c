/*
 * The neighbour that all attacks aim at. It holds the same secret in memory of every kind; "where KIND" answers with an
 * address, "check" with "intact" while all of them are.
 */
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE  4096
#define VALUE 0x5e

static uint8_t data[SIZE] __attribute__((aligned(4096)));

/* Memory of a kind: made once, the same address ever after. */
struct kind {
    const char *name;
    uint8_t *(*make)(void);
    uint8_t *at;
};

static uint8_t *make_data(void)
{
    return data;
}

static uint8_t *make_heap(void)
{
    return malloc(SIZE);
}

static uint8_t *make_mapped(void)
{
    return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* A mapping put over another one is born without its key on a bare kernel. */
static uint8_t *make_replaced(void)
{
    return mmap(make_mapped(), SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static uint8_t *make_grown(void)
{
    return mremap(make_mapped(), SIZE, 64 * SIZE, MREMAP_MAYMOVE);
}

/* Too large to be copied, and with no room behind it. */
static uint8_t *make_moved(void)
{
    const size_t size = 256 * SIZE;
    uint8_t *p = mmap(NULL, size + SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(p, VALUE, size);
    mprotect(p + size, SIZE, PROT_NONE);
    return mremap(p, size, 2 * size, MREMAP_MAYMOVE);
}

static uint8_t *make_protected(void)
{
    uint8_t *p = make_mapped();

    mprotect(p, SIZE, PROT_NONE);
    mprotect(p, SIZE, PROT_READ | PROT_WRITE);
    return p;
}

static uint8_t *make_file(void)
{
    int fd = open("/function/secret", O_RDONLY);
    uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

    close(fd);
    return p;
}

static _Noreturn void *sleep_on(void *at)
{
    uint8_t stack[SIZE];

    memset(stack, VALUE, SIZE);
    __atomic_store_n((uint8_t **)at, stack, __ATOMIC_RELEASE);
    for (;;)
        pause();
}

static uint8_t *make_stack(void)
{
    static uint8_t *at;
    pthread_t thread;

    pthread_create(&thread, NULL, sleep_on, &at);
    while (!__atomic_load_n(&at, __ATOMIC_ACQUIRE))
        sched_yield();
    return at;
}

static struct kind kinds[] = {
    {"data", make_data, NULL},         {"heap", make_heap, NULL},   {"mapped", make_mapped, NULL},
    {"replaced", make_replaced, NULL}, {"grown", make_grown, NULL}, {"protected", make_protected, NULL},
    {"file", make_file, NULL},         {"stack", make_stack, NULL}, {"moved", make_moved, NULL},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

static faas_append_output_fn_t append;

int faas_init(void)
{
    for (size_t i = 0; i < KINDS; i++) {
        kinds[i].at = kinds[i].make();
        memset(kinds[i].at, VALUE, SIZE);
    }
    for (int i = 0; i < 8; i++)
        open("/dev/urandom", O_RDONLY); /* files that are its own */
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    (void)invoke_func_fn;
    append = append_output_fn;
    *worker_handle = caller_context;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    (void)worker_handle;
    return 0;
}

static const char *check(void)
{
    for (size_t i = 0; i < KINDS; i++)
        for (size_t byte = 0; byte < SIZE; byte++)
            if (kinds[i].at[byte] != VALUE)
                return kinds[i].name;
    return "intact";
}

static const char *where(const char *name, size_t length)
{
    static char text[32];

    for (size_t i = 0; i < KINDS; i++)
        if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0)
            snprintf(text, sizeof text, "%lx", (unsigned long)kinds[i].at);
    return text;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const char *answer = input_length > 6 ? where(input + 6, input_length - 6) : check();

    append(worker_handle, answer, strlen(answer));
    return 0;
}
