/*
 * A function with event loops of its own, as asio, libuv and libevent have them: its input says which. The answer is
 * what it saw.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TEXT 256
#define MANY 100

static faas_append_output_fn_t append_;
static char text[TEXT];

static int watch(int epoll, int fd, char mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)mark};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* The mark of the next event, or '-' when none comes in time. */
static char next(int epoll, int timeout)
{
    struct epoll_event event;
    int n = epoll_wait(epoll, &event, 1, timeout);

    return n == 1 ? (char)event.data.u64 : n == 0 ? '-' : '!';
}

static void *wake(void *fd)
{
    eventfd_write((int)(intptr_t)fd, 1);
    return NULL;
}

/* A thread wakes the loop, then a pipe does, then a timer, and then nothing. */
static const char *loop(void)
{
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    int epoll = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, EFD_NONBLOCK), ends[2];
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    pthread_t thread;
    uint64_t count;
    char seen[5] = "";

    if (epoll < 0 || event < 0 || timer < 0 || pipe2(ends, O_NONBLOCK) < 0)
        return strerrorname_np(errno);
    if (watch(epoll, event, 'e') < 0 || watch(epoll, ends[0], 'p') < 0 || watch(epoll, timer, 't') < 0)
        return strerrorname_np(errno);
    pthread_create(&thread, NULL, wake, (void *)(intptr_t)event);
    seen[0] = next(epoll, -1);
    pthread_join(thread, NULL);
    seen[1] = eventfd_read(event, &count) == 0 && write(ends[1], "x", 1) == 1 ? next(epoll, -1) : '!';
    seen[2] = read(ends[0], text, 1) == 1 && timerfd_settime(timer, 0, &soon, NULL) == 0 ? next(epoll, -1) : '!';
    seen[3] = read(timer, &count, sizeof(count)) == sizeof(count) ? next(epoll, 1) : '!';
    snprintf(text, TEXT, "%s", seen);
    return text;
}

/* How many watches it gets with `n` epolls for each of which it has as many files. */
static unsigned long watches(int n)
{
    int epolls[MANY], files[MANY], made = 0;
    unsigned long got = 0;

    while (made < n && (epolls[made] = epoll_create1(0)) >= 0 && (files[made] = eventfd(0, 0)) >= 0)
        made++;
    for (int i = 0; i < made; i++)
        for (int k = 0; k < made; k++)
            got += watch(epolls[i], files[k], 'w') == 0;
    for (int i = 0; i < made; i++) {
        close(files[i]);
        close(epolls[i]);
    }
    return got;
}

/* It has its limit, and has it again when all is closed. */
static const char *hoard(void)
{
    unsigned long first = watches(MANY), second = watches(MANY);

    snprintf(text, TEXT, "%lu %lu", first, second);
    return text;
}

/* A duplicate keeps the file open, and yet its first number is watched no more. */
static const char *duplicate(void)
{
    int epoll = epoll_create1(0), event = eventfd(1, 0), copy = dup(event), other = dup(epoll);
    const char *refused = other < 0 ? strerrorname_np(errno) : "none";
    char before, after;

    if (watch(epoll, event, 'e') < 0)
        return strerrorname_np(errno);
    before = next(epoll, 0);
    close(event);
    after = next(epoll, 0);
    snprintf(text, TEXT, "%c%c %s", before, after, watch(epoll, copy, 'c') == 0 ? refused : strerrorname_np(errno));
    return text;
}

/* What no epoll can watch, and what is no epoll. */
static const char *wrong(void)
{
    int epoll = epoll_create1(0), event = eventfd(0, 0);
    const char *self = watch(epoll, epoll, 'x') < 0 ? strerrorname_np(errno) : "ok";
    const char *file = watch(event, epoll, 'x') < 0 ? strerrorname_np(errno) : "ok";
    const char *twice = watch(epoll, event, 'x') == 0 && watch(epoll, event, 'x') < 0 ? strerrorname_np(errno) : "ok";
    const char *none = watch(epoll, 255, 'x') < 0 ? strerrorname_np(errno) : "ok";

    snprintf(text, TEXT, "%s %s %s %s", self, file, twice, none);
    return text;
}

/* Three files, of which the second can be read and every one written; then nothing, until the time is over. */
static const char *choose(void)
{
    struct timeval soon = {0, 1000};
    struct timespec little = {0, 1000000};
    int events[3], n, none;
    fd_set reads, writes;
    struct pollfd file;

    FD_ZERO(&reads);
    FD_ZERO(&writes);
    for (int i = 0; i < 3; i++) {
        events[i] = eventfd(i == 1, 0);
        FD_SET(events[i], &reads);
        FD_SET(events[i], &writes);
    }
    n = select(events[2] + 1, &reads, &writes, NULL, NULL);
    snprintf(text, TEXT, "%d %d%d%d", n, !!FD_ISSET(events[0], &reads), !!FD_ISSET(events[1], &reads),
             !!FD_ISSET(events[2], &writes));
    FD_ZERO(&reads);
    FD_SET(events[0], &reads);
    none = select(events[0] + 1, &reads, NULL, NULL, &soon);
    FD_SET(200, &reads);
    n = select(201, &reads, NULL, NULL, NULL) < 0 ? errno : 0;
    file = (struct pollfd){.fd = events[1], .events = POLLIN};
    snprintf(text + 5, TEXT - 5, " %d %s %d %d", none, strerrorname_np(n), ppoll(&file, 1, NULL, NULL),
             ppoll(NULL, 0, &little, NULL));
    for (int i = 0; i < 3; i++)
        close(events[i]);
    return text;
}

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    (void)invoke;
    *handle = context;
    append_ = append;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    const char *answer = length == 0       ? loop()
                         : input[0] == 'h' ? hoard()
                         : input[0] == 'd' ? duplicate()
                         : input[0] == 's' ? choose()
                                           : wrong();

    append_(handle, answer, strlen(answer));
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    (void)handle;
    return 0;
}
