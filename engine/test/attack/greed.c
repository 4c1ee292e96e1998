/* See greed.h. */
#include "engine/test/attack/greed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void greed_hold_bodies(struct greed *greed, const struct host *host, const char *function, int n, size_t size)
{
    char head[256], *body = malloc(size);

    memset(body, 'b', size);
    snprintf(head, sizeof(head), "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", function,
             size);
    for (greed->n = 0; greed->n < n; greed->n++) {
        const struct timeval second = {.tv_sec = 1}; /* then the engine does not read on */
        int fd = host_connect(host);

        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
        send_text(fd, head);
        send_bytes(fd, body, size - 1);
        greed->fds[greed->n] = fd;
    }
    free(body);
}

void greed_hold_answers(struct greed *greed, const struct host *host, const char *function, int n)
{
    const int small = 4096;
    char request[256];

    snprintf(request, sizeof(request), "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", function);
    for (greed->n = 0; greed->n < n; greed->n++) {
        int fd = host_connect(host);

        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        send_text(fd, request);
        greed->fds[greed->n] = fd;
    }
}

void greed_fill_inputs(struct greed *greed, const struct host *host)
{
    greed_hold_bodies(greed, host, "echo", 4, 8ul << 20);
}

void greed_fill_outputs(struct greed *greed, const struct host *host)
{
    greed_hold_answers(greed, host, "big", GREED_MOST);
    await_at_least(host, "completed", 4);
}

void greed_end(struct greed *greed)
{
    for (int i = 0; i < greed->n; i++)
        close(greed->fds[i]);
    greed->n = 0;
}
