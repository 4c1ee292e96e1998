/*
 * Clients that hold what they were given: each sends a large request and reads nothing of the answer, or stops one byte
 * before the end of the body. They stay until SIGTERM.
 */
#include "engine/test/e2e/tools/load_http.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CLIENTS_MAX 256
#define WINDOW      4096 /* bytes that a client which does not read lets the kernel take */

struct options {
    struct load_target target;
    long clients, size;
    bool unfinished;
};

static int usage(FILE *to)
{
    fputs("usage: hold [options] ADDRESS:PORT /PATH\n"
          "  --clients N       connections (default 4)\n"
          "  --size BYTES      of each body (default 1 MiB)\n"
          "  --unfinished      stop one byte before the end of the body\n",
          to);
    return to == stdout ? 0 : 2;
}

/* Connects, and sends the head. -1 when that fails. */
static int begin(const struct options *options)
{
    struct load_connection connection;
    char head[512];
    int n = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %ld\r\n\r\n",
                     options->target.path, options->size);

    if (!load_connect(&connection, &options->target))
        return -1;
    setsockopt(connection.fd, SOL_SOCKET, SO_RCVBUF, &(int){WINDOW}, sizeof(int));
    return send(connection.fd, head, (size_t)n, MSG_NOSIGNAL) == n ? connection.fd : -1;
}

/* Sends all bodies as fast as each is taken, and then waits for what does not come. */
static void send_bodies(const struct options *options, struct pollfd *clients, const char *body)
{
    size_t sent[CLIENTS_MAX] = {0}, wanted = (size_t)options->size - options->unfinished;

    while (poll(clients, (nfds_t)options->clients, -1) > 0)
        for (long i = 0; i < options->clients; i++) {
            if (!clients[i].revents)
                continue;
            ssize_t n = send(clients[i].fd, body, wanted - sent[i], MSG_NOSIGNAL | MSG_DONTWAIT);
            sent[i] += n > 0 ? (size_t)n : 0;
            if (n < 0 || sent[i] == wanted)
                clients[i].fd = -1; /* poll passes over it; the connection stays open */
        }
}

int main(int argc, char **argv)
{
    static const struct option flags[] = {{"clients", required_argument, NULL, 'c'},
                                          {"size", required_argument, NULL, 's'},
                                          {"unfinished", no_argument, NULL, 'u'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {.clients = 4, .size = 1 << 20};
    struct pollfd clients[CLIENTS_MAX];

    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;)
        switch (flag) {
        case 'c':
            options.clients = strtol(optarg, NULL, 10);
            break;
        case 's':
            options.size = strtol(optarg, NULL, 10);
            break;
        case 'u':
            options.unfinished = true;
            break;
        default:
            return usage(flag == 'h' ? stdout : stderr);
        }
    if (argc - optind != 2 || options.clients < 1 || options.clients > CLIENTS_MAX || options.size < 2 ||
        !load_target_parse(&options.target, argv[optind], argv[optind + 1]))
        return usage(stderr);
    char *body = calloc(1, (size_t)options.size);
    if (!body)
        return 1;
    for (long i = 0; i < options.clients; i++)
        clients[i] = (struct pollfd){.fd = begin(&options), .events = POLLOUT};
    send_bodies(&options, clients, body);
    return 1;
}
