/*
 * first_answer HOST:PORT PATH COMMAND [ARGUMENT...]: starts the command and asks PATH again and again until it answers
 * 200. Prints "us=.. pid=..": from before the command was started to the answer, and its process, which may still run.
 * What the command says goes to standard error. Exit status 1 when there is no such answer within 20 seconds.
 */
#include "engine/test/e2e/tools/load_http.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_US 20e6

static double now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* On a connection of its own, as servers that start may close one that came early. */
static bool answers(const struct load_target *target)
{
    struct load_connection connection;
    struct load_response response;
    bool good;

    if (!load_connect(&connection, target))
        return false;
    good = load_send(&connection, target, "x", 1) && load_receive(&connection, &response) && response.status == 200;
    load_close(&connection);
    return good;
}

/* Its process, or -1. What it says goes to standard error. */
static pid_t start_command(char **argv)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    bool started;

    if (posix_spawn_file_actions_init(&actions))
        return -1;
    started = !posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) &&
              !posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return started ? pid : -1;
}

int main(int argc, char **argv)
{
    struct load_target target = {0};
    double start;
    pid_t pid;

    if (argc < 4 || !load_target_parse(&target, argv[1], argv[2])) {
        fputs("usage: first_answer HOST:PORT PATH COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    start = now_us();
    pid = start_command(argv + 3);
    while (pid > 0 && now_us() - start < LIMIT_US) {
        if (answers(&target)) {
            printf("us=%.0f pid=%d\n", now_us() - start, pid);
            return 0;
        }
        usleep(50);
    }
    fprintf(stderr, "first_answer: %s: no answer after %s\n", argv[2], argv[3]);
    if (pid > 0)
        kill(pid, SIGTERM);
    return 1;
}
