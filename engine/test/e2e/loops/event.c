/* A function with a loop of libevent: a wake-up by another thread's pipe, and a timer. */
#include "engine/test/e2e/loops/loop.h"
#include <event2/event.h>
#include <unistd.h>

static void on_pipe(evutil_socket_t fd, short what, void *seen)
{
    (void)what;
    strcat(seen, read(fd, (char[1]){0}, 1) == 1 ? "p" : "!");
}

static void on_timer(evutil_socket_t fd, short what, void *seen)
{
    (void)fd;
    (void)what;
    strcat(seen, "t");
}

const char *loop_run(char seen[LOOP_TEXT])
{
    struct event_base *base = event_base_new();
    struct timeval soon = {.tv_usec = 5000};
    int ends[2];

    if (!base || pipe(ends) < 0)
        return "cannot begin";
    strcpy(seen, event_base_get_method(base));
    event_base_once(base, ends[0], EV_READ, on_pipe, seen, NULL);
    if (write(ends[1], "x", 1) != 1)
        return "cannot write";
    event_base_dispatch(base);
    event_base_once(base, -1, EV_TIMEOUT, on_timer, seen, &soon);
    event_base_dispatch(base);
    event_base_free(base);
    close(ends[0]);
    close(ends[1]);
    return seen;
}
