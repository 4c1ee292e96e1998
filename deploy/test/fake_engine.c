/*
 * Stands in for nightward-engine where the host's supervision is tested: says READY, holds the launcher's socket, and
 * fails as the file STATE/behave tells it:
 *
 *   exit N   ends with status N at once      deaf   takes no notice of SIGTERM
 *   unready  never says READY                hang   after READY takes no notice of anything
 *   some     sends a socket that listens, and ends before it says READY
 *
 * It adds a line to STATE/starts for each start ("PID ADDRESS..."), one to STATE/launchers for each launcher, and one
 * to STATE/given for the sockets that it is given.
 */
#include "common/manifest/control.h"
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SUPERVISOR_FD 3

static const char *state = ".";
static char addresses[1024];
static struct nw_control_message message;

static char *path_of(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s", state, name);
    return path;
}

static void add_line(const char *name, const char *format, ...)
{
    FILE *f = fopen(path_of(name), "a");
    va_list args;

    if (!f)
        exit(99);
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    fclose(f);
}

/* A port of 0 becomes 4711, as if the kernel had chosen it. */
static void add_address(const char *address)
{
    size_t length = strlen(address);

    strncat(addresses, address, sizeof addresses - strlen(addresses) - 6);
    if (length > 2 && strcmp(address + length - 2, ":0") == 0)
        strcpy(addresses + strlen(addresses) - 1, "4711");
    strcat(addresses, "\n");
}

static void read_flags(char **argv)
{
    char list[1024] = "";

    for (; argv[0] && argv[1]; argv += 2) {
        if (strcmp(argv[0], "--state") == 0)
            state = argv[1];
        if (strcmp(argv[0], "--listen") == 0) {
            add_address(argv[1]);
            snprintf(list + strlen(list), sizeof list - strlen(list), " %s", argv[1]);
        }
    }
    add_line("starts", "%d%s\n", (int)getpid(), list);
}

static const char *behaviour(void)
{
    static char text[64];
    FILE *f = fopen(path_of("behave"), "r");

    if (f && !fgets(text, sizeof text, f))
        text[0] = '\0';
    if (f)
        fclose(f);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

_Noreturn static void leave(void)
{
    unlink(path_of("admin.sock"));
    exit(0);
}

_Noreturn static void send_some_sockets(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, &(struct sockaddr){.sa_family = AF_UNIX}, sizeof(sa_family_t)) < 0 || listen(fd, 1) < 0)
        exit(97);
    nw_control_send(SUPERVISOR_FD, &(struct nw_control){.kind = NW_CONTROL_SOCKETS}, NULL, 0, &fd, 1);
    exit(1);
}

static void read_supervisor(const char *behave)
{
    struct nw_control ready = {.kind = NW_CONTROL_READY};

    if (nw_control_recv(SUPERVISOR_FD, &message) != 1)
        leave();
    if (message.head.kind == NW_CONTROL_SOCKETS) {
        add_line("given", "%d\n", message.n_fds);
        return;
    }
    add_line("launchers", "launcher\n");
    /* The socket stays open: its end would end the launcher. */
    if (strcmp(behave, "some") == 0)
        send_some_sockets();
    if (strcmp(behave, "unready") == 0)
        return;
    if (nw_control_send(SUPERVISOR_FD, &ready, addresses, strlen(addresses), NULL, 0) != 0)
        exit(98);
    while (strcmp(behave, "hang") == 0)
        pause();
}

int main(int argc, char **argv)
{
    const char *behave;
    sigset_t term;
    struct pollfd polls[2] = {{.fd = SUPERVISOR_FD, .events = POLLIN}, {.events = POLLIN}};

    (void)argc;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    polls[1].fd = signalfd(-1, &term, SFD_CLOEXEC);
    signal(SIGUSR1, SIG_IGN); /* it has no log of requests to open anew */
    read_flags(argv + 1);
    behave = behaviour();
    if (strncmp(behave, "exit ", 5) == 0)
        return atoi(behave + 5);
    if (strcmp(behave, "deaf") == 0)
        polls[1].fd = -1;
    add_line("admin.sock", "%s", "");
    for (;;) {
        poll(polls, 2, -1);
        if (polls[1].revents)
            leave();
        if (polls[0].revents)
            read_supervisor(behave);
    }
}
