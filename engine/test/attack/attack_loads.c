/* See attack_loads.h. */
#include "engine/test/attack/attack_loads.h"
#include "common/test/attack/attack_report.h"
#include "engine/test/host/host.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOPING     6
#define PATIENCE_MS 3000 /* for an answer that never comes */

/* Functions that are never done with loading; the worker has as many deployments when it returns. */
static void begin_looping(const struct host *host, int fds[LOOPING])
{
    char text[128];

    for (int i = 0; i < LOOPING; i++) {
        fds[i] = host_connect_admin(host);
        snprintf(text, sizeof(text),
                 "PUT /v1/functions/loop%d HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\nsleep-loading", i);
        send_text(fds[i], text);
    }
    await_at_least(host, "deployments", LOOPING + 1);
}

/* The status of the answer, or that there is none. */
static void deploy_good(const struct host *host, int patience_ms, char seen[ATTACK_SEEN])
{
    struct pollfd good = {.fd = host_connect_admin(host), .events = POLLIN};

    send_text(good.fd, "PUT /v1/functions/good HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\necho");
    snprintf(seen, ATTACK_SEEN, "no answer");
    if (poll(&good, 1, patience_ms) == 1) {
        struct answer answer = read_answer(good.fd);

        snprintf(seen, ATTACK_SEEN, "%d", answer.status);
        answer_fini(&answer);
    }
    close(good.fd);
}

static void beside_looping(const char *check, int patience_ms, char seen[ATTACK_SEEN])
{
    static const char *const shared[] = {NULL};
    struct host host;
    int looping[LOOPING];

    if (check)
        setenv("NW_WITHOUT", check, 1);
    host_folder = check ? "host-without" : "host";
    host_start(&host, shared);
    unsetenv("NW_WITHOUT");
    deploy(&host, "neighbour", "echo");
    begin_looping(&host, looping);
    deploy_good(&host, patience_ms, seen);
    expect(invoke(&host, "neighbour", "still"), 200, "still");
    for (int i = 0; i < LOOPING; i++)
        close(looping[i]);
    host_discard(&host);
    host_folder = "host";
}

void attack_by_loading(void **state)
{
    struct attack_line *line =
        attack_report_begin("engine", 34, "six functions that never finish loading, and a deployment", "200");
    char seen[ATTACK_SEEN], without[ATTACK_SEEN];

    (void)state;
    beside_looping(NULL, HOST_WAIT_MS, seen);
    attack_report_seen(line, seen);
    attack_report_will_leave_out(line, "loads");
    beside_looping("loads", PATIENCE_MS, without);
    attack_report_left_out(line, "no answer", without);
}
