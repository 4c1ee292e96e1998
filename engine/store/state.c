/* See state.h. The lock is an flock on DIR/lock; the file holds the pid of the engine that has it. */
#include "engine/store/state.h"
#include "common/base/log.h"
#include "common/process/state.h"
#include "engine/store/registry.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS   1000
#define ENDING_MS 10000
#define PAUSE_MS  10

void nw_state_path(const struct nw_state *state, const char *name, char *path, size_t size)
{
    int n = snprintf(path, size, "%s/%s", state->directory, name);
    if (n < 0 || (size_t)n >= size)
        nw_die_usage("--state: the path of the state directory is too long");
}

/* The pid in the file; 0: none yet. */
static long holder_of(int lock)
{
    char text[32] = "";
    ssize_t n = pread(lock, text, sizeof text - 1, 0);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}

static bool has_ended(long pid)
{
    const char state = nw_process_state(pid);
    return state == 'Z' || state == 'X';
}

/* An engine that was killed keeps its lock until its last thread is gone, which may be waiting for the disk. */
static bool lock_it(int lock)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000l};
    for (int waited = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; waited += PAUSE_MS) {
        const long holder = errno == EWOULDBLOCK && waited < ENDING_MS ? holder_of(lock) : 0;
        if (holder <= 0 || !has_ended(holder))
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

_Noreturn static void refuse_second(const char *directory, int lock)
{
    nw_die_system("cannot use the state directory %s: another engine (pid %ld) has it; stop that one or choose another "
                  "directory with --state",
                  directory, holder_of(lock));
}

void nw_state_take(struct nw_state *state, const char *directory)
{
    struct stat st;
    char path[4096];
    *state = (struct nw_state){.directory = directory};
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        nw_die_system("cannot make the state directory %s: %s", directory, strerror(errno));
    if (stat(directory, &st) == 0 && st.st_mode & (S_IWGRP | S_IWOTH))
        nw_log(NW_LOG_WARN,
               "others may write to the state directory %s, and so replace what is deployed; run chmod go-w on it",
               directory);
    nw_state_path(state, "lock", path, sizeof path);
    state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->lock < 0)
        nw_die_system("cannot write to the state directory %s: %s: %s; it must be yours and writable", directory, path,
                      strerror(errno));
    if (!lock_it(state->lock))
        refuse_second(directory, state->lock);
    if (ftruncate(state->lock, 0) < 0 || dprintf(state->lock, "%d\n", (int)getpid()) < 0)
        nw_die_system("cannot write %s: %s", path, strerror(errno));
}

static bool is_there(const struct nw_state *state, struct nw_registry *registry)
{
    struct stat lock;
    return fstat(state->lock, &lock) == 0 && lock.st_nlink > 0 && nw__registry_is_there(registry);
}

bool nw_state_look(struct nw_state *state, struct nw_registry *registry, uint64_t now)
{
    static const char lost[] = "the state directory, or its lock, registry or store, was deleted or moved under the "
                               "running host: what is deployed now would not survive. Put it back, or start Nightward "
                               "again and deploy everything";
    bool was_lost = state->lost != NULL;
    state->looked = now;
    state->lost = is_there(state, registry) ? NULL : lost;
    if (was_lost == (state->lost != NULL))
        return false;
    if (was_lost)
        nw_log(NW_LOG_INFO, "the state directory %s is there again", state->directory);
    else
        nw_log(NW_LOG_ERROR, "%s: %s; what runs goes on", state->directory, lost);
    return true;
}

bool nw_state_tick(struct nw_state *state, struct nw_registry *registry, uint64_t now)
{
    return now >= state->looked + LOOK_MS && nw_state_look(state, registry, now);
}

void nw_state_leave(struct nw_state *state)
{
    char path[4096];
    nw_state_path(state, "admin.sock", path, sizeof path);
    unlink(path);
    close(state->lock);
}
