/*
 * The least that a server can do for a body: reads it and sends it back, on io_uring, in one thread. bench/compare puts
 * it beside Nightward to show what moving the bytes alone takes. Listens on a free port of 127.0.0.1, prints "port=N",
 * serves until SIGTERM.
 *
 * For trusted clients only: one request at a time on a connection, with a Content-Length, as wrk and openloop send
 * them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENTRIES  1024
#define HEAD_MAX 4096
#define BODY_MAX (16u << 20)

struct connection {
    int fd;
    bool sending;
    char *bytes;
    size_t capacity, have;
    size_t begin, end; /* of the response, while sending */
};

static struct io_uring ring;

static int fail(const char *what, int error)
{
    fprintf(stderr, "echo_server: %s: %s\n", what, strerror(error));
    return 111;
}

static struct io_uring_sqe *next_sqe(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

    if (!sqe) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    return sqe;
}

static void ask_accept(int listener)
{
    struct io_uring_sqe *sqe = next_sqe();

    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(sqe, NULL);
}

static void ask_receive(struct connection *connection)
{
    struct io_uring_sqe *sqe = next_sqe();

    connection->sending = false;
    io_uring_prep_recv(sqe, connection->fd, connection->bytes + connection->have,
                       connection->capacity - connection->have, 0);
    io_uring_sqe_set_data(sqe, connection);
}

static void ask_send(struct connection *connection)
{
    struct io_uring_sqe *sqe = next_sqe();

    connection->sending = true;
    io_uring_prep_send(sqe, connection->fd, connection->bytes + connection->begin, connection->end - connection->begin,
                       MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data(sqe, connection);
}

static void drop(struct connection *connection)
{
    close(connection->fd);
    free(connection->bytes);
    free(connection);
}

static void accepted(int fd)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (connection)
        *connection = (struct connection){.fd = fd, .capacity = HEAD_MAX, .bytes = malloc(HEAD_MAX + 1)};
    if (!connection || !connection->bytes) {
        free(connection);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    ask_receive(connection);
}

/* False when the head is none, or the body too long to hold. True with *end = 0 when the head is not whole yet. */
static bool read_head(struct connection *connection, size_t *begin, size_t *end)
{
    const char *head_end, *length;
    unsigned long size;

    *end = 0;
    connection->bytes[connection->have] = '\0';
    head_end = strstr(connection->bytes, "\r\n\r\n");
    if (!head_end)
        return connection->have < HEAD_MAX;
    length = strcasestr(connection->bytes, "\r\nContent-Length:");
    if (!length || length > head_end)
        return false;
    size = strtoul(length + 17, NULL, 10);
    *begin = (size_t)(head_end - connection->bytes) + 4;
    *end = *begin + size;
    return size <= BODY_MAX;
}

/* The head of the response overwrites the end of the request's, which is longer, so that one send takes both. */
static bool answer(struct connection *connection, size_t begin, size_t end)
{
    char head[96];
    size_t length = (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", end - begin);

    if (length > begin)
        return false;
    connection->begin = begin - length;
    connection->end = end;
    memcpy(connection->bytes + connection->begin, head, length);
    ask_send(connection);
    return true;
}

/* False when the connection is to be closed. */
static bool received(struct connection *connection, int n)
{
    size_t begin, end;

    if (n <= 0)
        return false;
    connection->have += (size_t)n;
    if (!read_head(connection, &begin, &end))
        return false;
    if (end && connection->have >= end)
        return answer(connection, begin, end);
    if (end > connection->capacity) {
        char *bytes = realloc(connection->bytes, end + 1);
        if (!bytes)
            return false;
        connection->bytes = bytes;
        connection->capacity = end;
    }
    ask_receive(connection);
    return true;
}

static bool sent(struct connection *connection, int n)
{
    if (n <= 0)
        return false;
    connection->begin += (size_t)n;
    if (connection->begin < connection->end) {
        ask_send(connection);
        return true;
    }
    connection->have = 0;
    ask_receive(connection);
    return true;
}

static void handle(const struct io_uring_cqe *cqe, int listener)
{
    struct connection *connection = io_uring_cqe_get_data(cqe);

    if (!connection) {
        if (cqe->res >= 0)
            accepted(cqe->res);
        if (!(cqe->flags & IORING_CQE_F_MORE))
            ask_accept(listener);
        return;
    }
    if (!(connection->sending ? sent(connection, cqe->res) : received(connection, cqe->res)))
        drop(connection);
}

/* A listening socket, its port printed; or negative errno. */
static int start_listening(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&address, &length))
        return -errno;
    printf("port=%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static int start_ring(void)
{
    int result = io_uring_queue_init(ENTRIES, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);

    return result == -EINVAL ? io_uring_queue_init(ENTRIES, &ring, 0) : result;
}

int main(void)
{
    int listener, result = start_ring();

    if (result)
        return fail("io_uring", -result);
    listener = start_listening();
    if (listener < 0)
        return fail("cannot listen on 127.0.0.1", -listener);
    ask_accept(listener);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, n = 0;
        result = io_uring_submit_and_wait(&ring, 1);
        if (result < 0 && result != -EINTR)
            return fail("io_uring", -result);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            handle(cqe, listener);
            n++;
        }
        io_uring_cq_advance(&ring, n);
    }
}
