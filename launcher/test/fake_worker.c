/*
 * Stands in for nightward-worker in the launcher's tests: answers questions about itself on its control socket, one
 * packet each, and ends as it is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CONTROL_FD 3

static char reply[8192];

static void add(const char *text)
{
    strncat(reply, text, sizeof reply - strlen(reply) - 1);
    strncat(reply, "\n", sizeof reply - strlen(reply) - 1);
}

static void print_status(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        add(line);
    }
    if (f)
        fclose(f);
}

/* "call NR A0 A1 A2 A3 A4 A5": the errno of that system call, or 0. */
static void try_call(const char *text)
{
    long nr = 0, a[6] = {0};
    char line[32];

    sscanf(text, "call %ld %ld %ld %ld %ld %ld %ld", &nr, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]);
    errno = 0;
    long rc = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    snprintf(line, sizeof line, "%d", rc < 0 ? errno : 0);
    add(line);
}

/* "open PATH": the errno of opening it for reading, or 0. */
static void try_open(const char *path)
{
    char line[32];
    int fd = open(path, O_RDONLY);

    snprintf(line, sizeof line, "%d", fd < 0 ? errno : 0);
    if (fd >= 0)
        close(fd);
    add(line);
}

static void print_host_name(void)
{
    struct utsname names;

    add(uname(&names) == 0 ? names.nodename : strerror(errno));
}

static void print_pid(void)
{
    char line[32];

    snprintf(line, sizeof line, "%d", (int)getpid());
    add(line);
}

static void *no_work(void *arg)
{
    return arg;
}

static void try_thread(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, no_work, NULL);

    if (rc == 0)
        pthread_join(thread, NULL);
    add(rc == 0 ? "ok" : strerror(rc));
}

static void answer(const char *question, char **argv, char **envp)
{
    if (strcmp(question, "arguments") == 0)
        while (*argv)
            add(*argv++);
    else if (strcmp(question, "environment") == 0)
        while (*envp)
            add(*envp++);
    else if (strcmp(question, "status") == 0)
        print_status();
    else if (strncmp(question, "call ", 5) == 0)
        try_call(question);
    else if (strncmp(question, "open ", 5) == 0)
        try_open(question + 5);
    else if (strcmp(question, "host name") == 0)
        print_host_name();
    else if (strcmp(question, "pid") == 0)
        print_pid();
    else if (strcmp(question, "thread") == 0)
        try_thread();
    else if (strcmp(question, "int80") == 0)
        __asm__ volatile("int $0x80" : : "a"(20) : "memory");
    else if (strncmp(question, "exit ", 5) == 0)
        _exit(atoi(question + 5));
    else if (strcmp(question, "crash") == 0)
        *(volatile int *)0 = 0;
}

int main(int argc, char **argv, char **envp)
{
    char question[256];
    ssize_t n;

    (void)argc;
    while ((n = read(CONTROL_FD, question, sizeof question - 1)) > 0) {
        question[n] = '\0';
        reply[0] = '\0';
        answer(question, argv, envp);
        if (write(CONTROL_FD, reply, strlen(reply)) < 0)
            break;
    }
    /* The test let go of the socket: only the launcher may end this process now. */
    for (;;)
        poll(NULL, 0, -1);
}
