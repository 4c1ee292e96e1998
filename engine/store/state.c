/* The directory of state.h. Its lock is flock on DIR/lock, which also holds the pid of who has it. */
#include "engine/store/state.h"
#include "common/base/log.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/store/registry.h"
#include "engine/threads/threads.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS 1000

void nw_state_path(const struct nw_engine *engine, const char *name, char *path, size_t size)
{
    int n = snprintf(path, size, "%s/%s", engine->options.state, name);
    if (n < 0 || (size_t)n >= size)
        nw_die_usage("--state: the path of the state directory is too long");
}

_Noreturn static void refuse_second(const char *directory, int lock)
{
    char text[32] = "";
    ssize_t n = pread(lock, text, sizeof text - 1, 0);
    long holder = n > 0 ? strtol(text, NULL, 10) : 0;
    nw_die_system("cannot use the state directory %s: another engine (pid %ld) has it; stop that one or choose another "
                  "directory with --state",
                  directory, holder);
}

void nw_state_take(struct nw_engine *engine)
{
    const char *directory = engine->options.state;
    struct stat st;
    char path[4096];
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        nw_die_system("cannot make the state directory %s: %s", directory, strerror(errno));
    if (stat(directory, &st) == 0 && st.st_mode & (S_IWGRP | S_IWOTH))
        nw_log(NW_LOG_WARN,
               "others may write to the state directory %s, and so replace what is deployed; run chmod go-w on it",
               directory);
    nw_state_path(engine, "lock", path, sizeof path);
    engine->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (engine->lock < 0)
        nw_die_system("cannot write to the state directory %s: %s: %s; it must be yours and writable", directory, path,
                      strerror(errno));
    if (flock(engine->lock, LOCK_EX | LOCK_NB) < 0)
        refuse_second(directory, engine->lock);
    if (ftruncate(engine->lock, 0) < 0 || dprintf(engine->lock, "%d\n", (int)getpid()) < 0)
        nw_die_system("cannot write %s: %s", path, strerror(errno));
}

static bool is_there(const struct nw_engine *engine)
{
    struct stat lock;
    return fstat(engine->lock, &lock) == 0 && lock.st_nlink > 0 && nw_registry_is_there(engine->registry);
}

void nw_state_look(struct nw_engine *engine)
{
    static const char lost[] = "the state directory, or its lock, registry or store, was deleted or moved under the "
                               "running host: what is deployed now would not survive. Put it back, or start Nightward "
                               "again and deploy everything";
    bool was_lost = engine->state_lost != NULL;
    engine->state_looked = nw_io_now(engine->io);
    engine->state_lost = is_there(engine) ? NULL : lost;
    if (was_lost == (engine->state_lost != NULL))
        return;
    if (was_lost)
        nw_log(NW_LOG_INFO, "the state directory %s is there again", engine->options.state);
    else
        nw_log(NW_LOG_ERROR, "%s: %s; what runs goes on", engine->options.state, lost);
    nw_threads_changed(engine);
}

void nw_state_tick(struct nw_engine *engine)
{
    if (nw_io_now(engine->io) >= engine->state_looked + LOOK_MS)
        nw_state_look(engine);
}

void nw_state_leave(struct nw_engine *engine)
{
    char path[4096];
    nw_state_path(engine, "admin.sock", path, sizeof path);
    unlink(path);
    close(engine->lock);
}
