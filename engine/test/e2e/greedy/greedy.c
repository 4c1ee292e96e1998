/* See greedy.h. */
#include "engine/test/e2e/greedy/greedy.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *greedy_start(struct attacker *a, uint64_t n, void *(*run)(void *), void *argument)
{
    uint64_t started = 0;
    int error = 0;
    pthread_t thread;

    while (started < n && !(error = pthread_create(&thread, NULL, run, argument)))
        started++;
    return attack_say(a, "%lu threads%s%s", started, error ? ", then " : "", error ? strerrorname_np(error) : "");
}

int greedy_open(const char *name)
{
    const char *directory = getenv("DIRECTORY");
    char path[256];

    snprintf(path, sizeof path, "%s/%s", directory ? directory : "", name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

const struct attack attacks[] = {
    {"mappings", greedy_mappings}, /* as many mappings of one page as it can, up to a number */
    {"refill", greedy_refill},     /* the same, and tries again for ever */
    {"images", greedy_images},     /* code of libc, each time from another place or of another length */
    {"map-code", greedy_map_code}, /* one page of a large file as code, again and again */
    {"move", greedy_move},         /* memory that is moved because it cannot grow where it is */
    {"crash", greedy_crash},       /* aborts with a lot of memory */
    {"read", greedy_read},         /* a large part of a file in one call, again and again */
    {"block", greedy_block},       /* reads what never comes */
    {"open", greedy_open_all},     /* files until there are no more */
    {"spin", greedy_spin},         /* computes for ever */
    {"wait", greedy_wait},         /* threads that make themselves func workers */
    {"call", greedy_call},         /* the neighbour, which takes its time */
    {0},
};
