/*
 * Stands in for nightward-worker in the launcher's tests: answers questions about itself on its control socket, one
 * packet each, and ends as it is told.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONTROL_FD 3

static char reply[8192];

static void add(const char *text)
{
    strncat(reply, text, sizeof reply - strlen(reply) - 1);
    strncat(reply, "\n", sizeof reply - strlen(reply) - 1);
}

/* One line "N target" for each open file descriptor. */
static void list_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char target[256], line[520];
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);

        if (n < 0 || atoi(entry->d_name) == dirfd(dir))
            continue;
        target[n] = '\0';
        snprintf(line, sizeof line, "%s %s", entry->d_name, target);
        add(line);
    }
    if (dir)
        closedir(dir);
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
    int death_signal = 0;
    prctl(PR_GET_PDEATHSIG, &death_signal);
    snprintf(line, sizeof line, "DeathSignal:\t%d", death_signal);
    add(line);
    struct rlimit core = {1, 1};
    getrlimit(RLIMIT_CORE, &core);
    snprintf(line, sizeof line, "CoreLimit:\t%lu", (unsigned long)core.rlim_max);
    add(line);
}

/* "call NR A0 A1 A2": the errno of that system call, or 0. */
static void try_call(const char *text)
{
    long nr = 0, a[3] = {0};
    char line[32];

    sscanf(text, "call %ld %ld %ld %ld", &nr, &a[0], &a[1], &a[2]);
    errno = 0;
    long rc = syscall(nr, a[0], a[1], a[2], 0L, 0L, 0L);
    snprintf(line, sizeof line, "%d", rc < 0 ? errno : 0);
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
    else if (strcmp(question, "fds") == 0)
        list_fds();
    else if (strcmp(question, "status") == 0)
        print_status();
    else if (strncmp(question, "call ", 5) == 0)
        try_call(question);
    else if (strcmp(question, "thread") == 0)
        try_thread();
    else if (strcmp(question, "int80") == 0)
        __asm__ volatile("int $0x80" : : "a"(20) : "memory");
    else if (strncmp(question, "exit ", 5) == 0)
        _exit(atoi(question + 5));
    else if (strncmp(question, "raise ", 6) == 0)
        raise(atoi(question + 6));
}

int main(int argc, char **argv, char **envp)
{
    char question[256];
    ssize_t n;

    (void)argc;
    while ((n = recv(CONTROL_FD, question, sizeof question - 1, 0)) > 0) {
        question[n] = '\0';
        reply[0] = '\0';
        answer(question, argv, envp);
        send(CONTROL_FD, reply, strlen(reply), MSG_NOSIGNAL);
    }
    /* The test let go of the socket: only the launcher may end this process now. */
    for (;;)
        pause();
}
