/* libevent: a timer, and a pipe that becomes readable. */
#include "functions/compat/compat.h"
#include <event2/event.h>
#include <unistd.h>

int compat_load(void)
{
    return 0;
}

static void count(evutil_socket_t fd, short what, void *n)
{
    char byte;

    if (!(what & EV_READ) || read(fd, &byte, 1) == 1)
        ++*(int *)n;
}

int compat_call(const char *input, FILE *out)
{
    struct event_base *base = event_base_new();
    struct timeval soon = {.tv_usec = 20000};
    int rang = 0, readable = 0, ends[2];

    (void)input;
    if (!base || pipe(ends) < 0) {
        fprintf(out, "no event base");
        return 0;
    }
    event_base_once(base, -1, EV_TIMEOUT, count, &rang, &soon);
    event_base_once(base, ends[0], EV_READ, count, &readable, NULL);
    if (write(ends[1], "x", 1) == 1)
        event_base_dispatch(base);
    fprintf(out, "%s: timer %d, readable %d", event_base_get_method(base), rang, readable);
    event_base_free(base);
    close(ends[0]);
    close(ends[1]);
    return 0;
}
