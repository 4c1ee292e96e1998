/* See look.h. */
#include "launcher/test/look.h"
#include "common/test/test.h"
#include "launcher/test/host.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *read_proc(pid_t pid, const char *name)
{
    static char text[8192];
    char path[64];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    f = fopen(path, "r");
    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

void assert_call(int socket, long nr, const char *arguments, int expected)
{
    char question[128], answer[16];

    snprintf(question, sizeof question, "call %ld %s", nr, arguments);
    snprintf(answer, sizeof answer, "%d\n", expected);
    if (strcmp(ask(socket, question), answer) != 0)
        fail_msg("%s: %s instead of %s", question, ask(socket, question), answer);
}

void refuse_with(int socket, long nr, const char *format, long a, long b, long c)
{
    char arguments[96];

    snprintf(arguments, sizeof arguments, format, a, b, c);
    assert_call(socket, nr, arguments, EPERM);
}

void assert_open(int socket, const char *path, int expected)
{
    char question[128], answer[16];

    snprintf(question, sizeof question, "open %s", path);
    snprintf(answer, sizeof answer, "%d\n", expected);
    if (strcmp(ask(socket, question), answer) != 0)
        fail_msg("%s: %s instead of %s", question, ask(socket, question), answer);
}

int start_with(struct host *h, uint32_t number, enum nw_mode mode, uint32_t profile, pid_t *pid)
{
    struct nw_control head = start_message(number);
    int socket;

    head.mode = mode;
    head.profile = profile;
    socket = send_start(h, &head);
    await_report(h, NW_CONTROL_STARTED, number);
    *pid = (pid_t)h->message.head.value;
    return socket;
}
