/*
 * sends [SECONDS]: from which size on a zero-copy send of io_uring (IORING_OP_SEND_ZC) costs less than a plain one. A
 * thread receives what this one sends over a TCP connection on the loopback interface; the two take turns. A line for
 * each size: processor time of both for each MiB, in microseconds, medians of the turns, by either.
 */
#include "common/base/clock.h"

#include <liburing.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS   7
#define LARGEST (4u << 20)
#define MIB     1048576.0

static void must(bool well, const char *what)
{
    if (well)
        return;
    perror(what);
    exit(1);
}

static void *receive(void *arg)
{
    static char bytes[1 << 16];
    const int fd = *(int *)arg;

    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    return NULL;
}

/* Both ends of a connection. */
static void connect_pair(int pair[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    must(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(pair[0], (struct sockaddr *)&address, length) == 0, "connect");
    pair[1] = accept(listener, NULL, NULL);
    must(pair[1] >= 0, "accept");
    close(listener);
}

/* Waits for what is sent, and for the word that its memory is free again. Returns how much was. */
static size_t send_one(struct io_uring *ring, int fd, const char *bytes, size_t size, bool zero_copy)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    struct io_uring_cqe *cqe;
    size_t sent = 0;
    bool more = true;

    if (zero_copy)
        io_uring_prep_send_zc(sqe, fd, bytes, size, MSG_WAITALL, 0);
    else
        io_uring_prep_send(sqe, fd, bytes, size, MSG_WAITALL);
    io_uring_submit(ring);
    while (more) {
        must(io_uring_wait_cqe(ring, &cqe) == 0, "io_uring_wait_cqe");
        must(cqe->res >= 0, "send");
        more = cqe->flags & IORING_CQE_F_MORE;
        sent += cqe->flags & IORING_CQE_F_NOTIF ? 0 : (size_t)cqe->res;
        io_uring_cqe_seen(ring, cqe);
    }
    return sent;
}

static double processor_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Processor time for each MiB. */
static double measure(struct io_uring *ring, int fd, const char *bytes, size_t size, bool zero_copy, double seconds)
{
    const uint64_t end = nw_clock_ns() + (uint64_t)(seconds * 1e9);
    const double before = processor_us();
    size_t sent = 0;

    while (nw_clock_ns() < end)
        sent += send_one(ring, fd, bytes, size, zero_copy);
    return (processor_us() - before) / ((double)sent / MIB);
}

static int by_value(const void *a, const void *b)
{
    const double one = *(const double *)a, other = *(const double *)b;

    return (one > other) - (one < other);
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? atof(argv[1]) : 0.2;
    char *bytes = calloc(1, LARGEST);
    struct io_uring ring;
    pthread_t thread;
    int pair[2];

    must(bytes && io_uring_queue_init(8, &ring, 0) == 0, "io_uring_queue_init");
    memset(bytes, 'x', LARGEST);
    connect_pair(pair);
    must(pthread_create(&thread, NULL, receive, &pair[1]) == 0, "pthread_create");
    puts("bytes\tsend\tsend_zc");
    for (size_t size = 4096; size <= LARGEST; size *= 4) {
        double us[2][TURNS];
        for (int i = 0; i < 2 * TURNS; i++)
            us[i % 2][i / 2] = measure(&ring, pair[0], bytes, size, i % 2, seconds);
        for (int way = 0; way < 2; way++)
            qsort(us[way], TURNS, sizeof(double), by_value);
        printf("%zu\t%.0f\t%.0f\n", size, us[0][TURNS / 2], us[1][TURNS / 2]);
    }
    return 0;
}
