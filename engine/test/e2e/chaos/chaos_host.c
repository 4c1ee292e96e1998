/* The host as seen from outside: `status` over the admin socket, and /proc. */
#include "engine/test/e2e/chaos/chaos.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static long number_at(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    return cJSON_IsNumber(item) ? (long)item->valuedouble : -1;
}

static void read_status(struct chaos_view *view, const cJSON *root)
{
    const cJSON *counters = cJSON_GetObjectItem(root, "counters"), *worker;
    view->ready = cJSON_IsTrue(cJSON_GetObjectItem(root, "ready"));
    view->engine = number_at(root, "pid");
    view->connections = number_at(root, "connections");
    view->in_flight = number_at(root, "in_flight");
    view->deployments = number_at(root, "deployments");
    view->requests = number_at(counters, "requests");
    view->completed = number_at(counters, "completed");
    view->failed = number_at(counters, "failed");
    view->abandoned = number_at(counters, "abandoned");
    cJSON_ArrayForEach(worker, cJSON_GetObjectItem(root, "workers"))
    {
        const char *state = cJSON_GetStringValue(cJSON_GetObjectItem(worker, "state"));
        pid_t pid = (pid_t)number_at(worker, "pid");
        if (view->n_workers == CHAOS_WORKERS_MAX)
            break;
        view->workers[view->n_workers++] = pid;
        view->domains += number_at(worker, "domains");
        view->free_keys += number_at(worker, "free_keys");
        view->n_up += state && !strcmp(state, "up") && pid > 0;
    }
    view->valid = view->engine > 0 && view->requests >= 0;
}

struct chaos_view chaos_look(struct chaos *chaos)
{
    static const char request[] = "GET /v1/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct chaos_view view = {0};
    struct load_target target = {.unix_path = chaos->admin, .path = "/"};
    struct load_connection connection;
    struct load_response response;
    if (!load_connect(&connection, &target))
        return view;
    if (send(connection.fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1 &&
        load_receive(&connection, &response) && response.status == 200) {
        cJSON *root = cJSON_ParseWithLength(response.body, response.length);
        read_status(&view, root);
        cJSON_Delete(root);
    }
    load_close(&connection);
    return view;
}

/* --- /proc --- */

/* What a worker keeps for domains to come, and may be without: cached images of code (worker/image/image.h), of which
 * the number is bounded, and at most one snapshot of each function, its own or one that the engine kept. */
enum kept { KEPT_NOT, KEPT_CODE, KEPT_SNAPSHOT };

static enum kept kept_for_later(const char *folder, const char *name)
{
    char path[512], target[64] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (readlink(path, target, sizeof target - 1) <= 0)
        return KEPT_NOT;
    if (!strncmp(target, "/memfd:nightward-code", 21))
        return KEPT_CODE;
    return strncmp(target, "/memfd:nightward-snapshot", 25) && strncmp(target, "/memfd:snapshot", 15) ? KEPT_NOT
                                                                                                      : KEPT_SNAPSHOT;
}

static long count_kept(pid_t pid, const char *folder, enum kept kept)
{
    char path[64];
    long n = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, folder);
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.' && kept_for_later(path, entry->d_name) == kept;
    closedir(dir);
    return n;
}

static long count_entries(pid_t pid, const char *folder)
{
    return count_kept(pid, folder, KEPT_NOT);
}

/* A value of /proc/PID/status in KiB. */
static long memory_of(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)))
            value = strtol(line + strlen(key), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

/* State, parent and session of a process. False when it is gone. */
static bool read_stat(pid_t pid, char *state, int *parent, int *session)
{
    char path[64], line[512];
    bool read = false;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (fgets(line, sizeof line, file)) {
        const char *end = strrchr(line, ')');
        read = end && sscanf(end + 1, " %c %d %*d %d", state, parent, session) == 3;
    }
    fclose(file);
    return read;
}

pid_t chaos_parent(pid_t pid)
{
    char state;
    int parent, session;
    return read_stat(pid, &state, &parent, &session) ? parent : -1;
}

/* Everything in the session of `nightward up`, and everything below it. */
static long count_processes(pid_t host)
{
    long n = 0;
    DIR *dir = opendir("/proc");
    if (!dir)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10), up = pid;
        char state;
        int parent, session;
        if (pid <= 0 || !read_stat(pid, &state, &parent, &session))
            continue;
        while (up > 1 && up != host)
            up = chaos_parent(up);
        n += session == host || up == host;
    }
    closedir(dir);
    return n;
}

struct chaos_usage chaos_measure(const struct chaos *chaos, const struct chaos_view *view)
{
    pid_t engine = (pid_t)view->engine, launcher = view->n_workers ? chaos_parent(view->workers[0]) : 0;
    struct chaos_usage usage = {.processes = count_processes(chaos->host),
                                .workers = view->n_workers,
                                .domains = view->domains,
                                .free_keys = view->free_keys,
                                .engine_fds = count_entries(engine, "fd"),
                                .engine_memory_kib = memory_of(engine, "RssAnon:"),
                                .launcher_fds = count_entries(launcher, "fd"),
                                .host_fds = count_entries(chaos->host, "fd")};
    for (int i = 0; i < view->n_workers; i++) {
        pid_t worker = view->workers[i];
        long fds = count_entries(worker, "fd");
        if (fds > usage.worker_fds) {
            usage.worker_fds = fds;
            usage.widest = worker;
        }
        usage.worker_snapshots += count_kept(worker, "fd", KEPT_SNAPSHOT);
        usage.worker_threads += count_entries(worker, "task");
        usage.worker_memory_kib += memory_of(worker, "RssAnon:");
    }
    return usage;
}
