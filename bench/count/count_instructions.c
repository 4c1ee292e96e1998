/* See count.h: a hardware counter for each thread. */
#include "bench/count/count.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS_MAX 256

struct list {
    int *fds, *n;
};

static int open_one(pid_t tid, void *argument)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .inherit = 1, /* threads that it starts */
    };
    struct list *list = argument;
    int fd;

    if (*list->n == THREADS_MAX)
        return -E2BIG;
    fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return -errno;
    list->fds[(*list->n)++] = fd;
    return 0;
}

int nw__instructions_open(struct nw_instructions *counter, const struct nw_count_target *target)
{
    struct list engine = {counter->engine, &counter->n_engine}, worker = {counter->worker, &counter->n_worker};
    int error;

    counter->n_engine = counter->n_worker = 0;
    error = nw__each_thread(target->engine, open_one, &engine);
    if (!error)
        error = nw__each_thread(target->worker, open_one, &worker);
    if (error)
        nw__instructions_close(counter);
    return error;
}

static uint64_t sum(const int *fds, int n)
{
    uint64_t total = 0, value;

    for (int i = 0; i < n; i++)
        if (read(fds[i], &value, sizeof(value)) == sizeof(value))
            total += value;
    return total;
}

void nw__instructions_read(const struct nw_instructions *counter, uint64_t *engine, uint64_t *worker)
{
    *engine = sum(counter->engine, counter->n_engine);
    *worker = sum(counter->worker, counter->n_worker);
}

void nw__instructions_close(struct nw_instructions *counter)
{
    for (int i = 0; i < counter->n_engine; i++)
        close(counter->engine[i]);
    for (int i = 0; i < counter->n_worker; i++)
        close(counter->worker[i]);
}
