/* See attack_theft.h. */
#include "engine/test/attack/attack_theft.h"
#include "common/test/attack/attack_report.h"
#include "engine/test/host/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODE "engine"
#define BODY 200 /* too long for a descriptor */

static int post(const struct host *host, const char *function, const char *body)
{
    char text[256 + BODY];
    int fd = host_connect(host);

    snprintf(text, sizeof(text), "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s", function,
             strlen(body), body);
    send_text(fd, text);
    return fd;
}

/* The thief knows the id of the victim's invocation, which is easily guessed. What the victim's client is answered: the
 * status and the first letter. A second request for the victim may get what the thief has set free. */
static void rob(const char *thief, char *seen, size_t size)
{
    static const char *const flags[] = {"--mode", "process", NULL};
    struct host host;
    char mine[BODY + 1] = "", other[BODY + 1] = "";
    struct answer answer;
    int first, second, robber;

    memset(mine, 'm', BODY);
    memset(other, 'o', BODY);
    host_start(&host, flags);
    deploy(&host, "victim", "slow 2000");
    deploy(&host, "thief", thief);
    first = post(&host, "victim", mine);
    await_at_least(&host, "in_flight", 1);
    robber = post(&host, "thief", "");
    answer = read_answer(robber);
    answer_fini(&answer);
    second = post(&host, "victim", other);
    answer = read_answer(first);
    snprintf(seen, size, "%d \"%.1s\"", answer.status, answer.body ? answer.body : "");
    answer_fini(&answer);
    close(first);
    close(second);
    close(robber);
    host_discard(&host);
}

static void robs(const char *name, const char *thief, const char *then)
{
    struct attack_line *line = attack_report_begin(MODE, 26, name, "200 \"m\"");
    char seen[ATTACK_SEEN];

    rob(thief, seen, sizeof(seen));
    attack_report_seen(line, seen);
    attack_report_will_leave_out(line, "owner");
    host_folder = "host-without";
    setenv("NW_WITHOUT", "owner", 1);
    rob(thief, seen, sizeof(seen));
    unsetenv("NW_WITHOUT");
    host_folder = "host";
    attack_report_left_out(line, then, seen);
}

void nw_attack_completes_for_another(void **state)
{
    (void)state;
    robs("completes what another worker has", "hostile neighbours-id", "200 \"\"");
}

void nw_attack_reads_for_another(void **state)
{
    (void)state;
    robs("has read what another worker is reading", "hostile read-neighbours", "200 \"o\"");
}
