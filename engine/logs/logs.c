/* See logs.h. A round takes all that waits, and is the only one under way; the loop touches nothing that it has. */
#include "engine/logs/logs.h"
#include "common/base/log.h"
#include "common/manifest/resources.h"
#include "engine/lookup/table.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAITING_MOST     (1ul << 20)   /* bytes that wait for a round ... */
#define SHARE_MOST       (256ul << 10) /* ... of one tenant, so that none takes the room of all others */
#define TRIMMED(most)    ((most) / 8 * 7)
#define COMPLAIN_PAUSE_S 60

/* A function that has said something since the start. */
struct log {
    struct nw_table_node by_name;
    char name[NW_NAME_MAX + 1];
    struct nw_list due;      /* in logs->due while there is something to write */
    struct nw_buffer coming; /* lines, each a struct nw_log_line and its text */
    uint64_t n_coming, lost; /* how many of them, and how many found no room since the last round */
    bool forgotten;          /* with the next round */
    /* The round's. */
    struct nw_list in_round;
    struct nw_buffer writing;
    uint64_t n_writing, lost_before;
    bool remove;
    int error;
};

struct nw_logs {
    struct nw_io *io;
    int directory; /* DIR/logs */
    uint64_t size, total;
    struct nw_table names;
    struct nw_list due;
    struct nw_list asked; /* readers that the next round answers ... */
    struct nw_list idle;  /* ... and those that wait for more lines */
    unsigned n_readers;
    uint64_t waiting; /* bytes in all `coming` */
    uint64_t rounds;  /* so far */
    uint64_t all_lost;
    /* The round's, while it is under way. */
    bool busy;
    struct nw_list round, reading;
    bool measured;
    uint64_t on_disk;
    uint64_t complained; /* seconds: when it was last said that files cannot be written */
};

struct nw_logs *nw_logs_new(struct nw_io *io, const char *state, uint64_t size, uint64_t total)
{
    char path[4096];
    struct nw_logs *logs = calloc(1, sizeof *logs);
    if (!logs)
        return NULL;
    *logs = (struct nw_logs){.io = io, .size = size, .total = total, .directory = -1};
    nw_list_init(&logs->due);
    nw_list_init(&logs->asked);
    nw_list_init(&logs->idle);
    nw_list_init(&logs->round);
    nw_list_init(&logs->reading);
    snprintf(path, sizeof path, "%s/logs", state);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        logs->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (logs->directory >= 0)
        return logs;
    nw_log(NW_LOG_WARN, "no logs of functions are kept: cannot open %s: %s", path, strerror(errno));
    free(logs);
    return NULL;
}

static struct log *log_find(const struct nw_logs *logs, const char *name)
{
    for (struct nw_table_node *node = nw_table_first(&logs->names, nw_table_hash(name, strlen(name))); node;
         node = nw_table_next(node)) {
        struct log *log = nw_container(node, struct log, by_name);
        if (!strcmp(log->name, name))
            return log;
    }
    return NULL;
}

/* NULL when memory is out. */
static struct log *log_get(struct nw_logs *logs, const char *name)
{
    struct log *log = log_find(logs, name);
    if (log)
        return log;
    log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    snprintf(log->name, sizeof log->name, "%s", name);
    nw_list_init(&log->due);
    nw_list_init(&log->in_round);
    if (nw_table_add(&logs->names, &log->by_name, nw_table_hash(log->name, strlen(log->name))) == 0)
        return log;
    free(log);
    return NULL;
}

static void log_free(struct nw_logs *logs, struct log *log)
{
    nw_table_remove(&logs->names, &log->by_name);
    nw_list_remove(&log->due);
    nw_buffer_fini(&log->coming);
    nw_buffer_fini(&log->writing);
    free(log);
}

static void make_due(struct nw_logs *logs, struct log *log)
{
    if (nw_list_empty(&log->due))
        nw_list_append(&logs->due, &log->due);
}

static void lose(struct nw_logs *logs, struct log *log, uint64_t n)
{
    logs->all_lost += n;
    if (!log)
        return;
    log->lost += n;
    make_due(logs, log);
}

void nw_logs_lost(struct nw_logs *logs, const char *function, uint64_t n)
{
    if (n)
        lose(logs, log_get(logs, function), n);
}

uint64_t nw_logs_all_lost(const struct nw_logs *logs)
{
    return logs->all_lost;
}

static bool has_share(const struct nw_logs *logs, struct nw_log_share *share, size_t bytes)
{
    if (share->round != logs->rounds)
        *share = (struct nw_log_share){.round = logs->rounds};
    return share->bytes + bytes <= SHARE_MOST;
}

void nw_logs_add(struct nw_logs *logs, struct nw_log_share *share, const char *function, const struct nw_log_line *line,
                 const char *text)
{
    struct log *log = log_get(logs, function);
    size_t bytes = sizeof *line + line->length;
    if (!log || !has_share(logs, share, bytes) || logs->waiting + bytes > WAITING_MOST ||
        nw_buffer_reserve(&log->coming, bytes) < 0) {
        lose(logs, log, 1);
        return;
    }
    nw_buffer_append(&log->coming, line, sizeof *line);
    nw_buffer_append(&log->coming, text, line->length);
    log->n_coming++;
    logs->waiting += bytes;
    share->bytes += bytes;
    make_due(logs, log);
}

/* --- a round, on a thread of its own --- */

/* Says how many lines are missing in front of those that come. */
static int write_lost(struct nw_buffer *out, const struct log *log)
{
    char text[120];
    struct nw_log_line line = {.time = nw_log_now(), .stream = NW_LOG_HOST};
    if (!log->lost_before)
        return 0;
    line.length = (size_t)snprintf(text, sizeof text,
                                   "%llu lines are lost here: it wrote more than %d a second, or there was no room",
                                   (unsigned long long)log->lost_before, NW_LIMIT_LOG_LINES);
    return nw__log_line_write(out, log->name, &line, text);
}

static int write_lines(struct nw_buffer *out, const struct log *log)
{
    const char *at = log->writing.data, *end = at + log->writing.length;
    int rc = write_lost(out, log);
    while (!rc && at < end) {
        struct nw_log_line line;
        memcpy(&line, at, sizeof line);
        rc = nw__log_line_write(out, log->name, &line, at + sizeof line);
        at += sizeof line + line.length;
    }
    return rc;
}

static void write_log(struct nw_logs *logs, struct log *log)
{
    struct nw_buffer out = {0};
    int64_t grown = 0;
    if (log->remove)
        nw__log_ring_remove(logs->directory, log->name);
    log->error = log->writing.length || log->lost_before ? write_lines(&out, log) : 0;
    if (!log->error && out.length)
        log->error = nw__log_ring_add(logs->directory, log->name, out.data, out.length, logs->size, &grown);
    logs->on_disk += (uint64_t)grown;
    nw_buffer_fini(&out);
}

static void work(void *arg)
{
    struct nw_logs *logs = arg;
    if (!logs->measured)
        logs->on_disk = nw__log_rings_size(logs->directory);
    logs->measured = true;
    for (struct nw_list *at = logs->round.next; at != &logs->round; at = at->next)
        write_log(logs, nw_container(at, struct log, in_round));
    if ((int64_t)logs->on_disk > (int64_t)logs->total) /* a removal may have made it too small */
        logs->on_disk = nw__log_rings_trim(logs->directory, TRIMMED(logs->total));
    for (struct nw_list *at = logs->reading.next; at != &logs->reading; at = at->next) {
        struct nw_log_reader *reader = nw_container(at, struct nw_log_reader, link);
        reader->error = nw__log_ring_read(logs->directory, reader->function, &reader->query, &reader->page);
    }
}

/* --- the loop --- */

static void complain(struct nw_logs *logs, const struct log *log)
{
    uint64_t now = nw_io_now(logs->io) / 1000;
    if (logs->complained && now - logs->complained < COMPLAIN_PAUSE_S)
        return;
    logs->complained = now + !now;
    nw_log(NW_LOG_WARN, "the log of function \"%s\" cannot be written: %s; its lines are lost, requests go on",
           log->name, strerror(-log->error));
}

static void round_starts(struct nw_logs *logs);

/* There is more for those who wait for it. */
static void ask_again(struct nw_logs *logs, const struct log *log)
{
    nw_list_each(&logs->idle, at, after)
    {
        if (strcmp(nw_container(at, struct nw_log_reader, link)->function, log->name) != 0)
            continue;
        nw_list_remove(at);
        nw_list_append(&logs->asked, at);
    }
}

static void log_written(struct nw_logs *logs, struct log *log)
{
    nw_list_remove(&log->in_round);
    if (log->error) {
        complain(logs, log);
        log->lost += log->lost_before + log->n_writing;
        logs->all_lost += log->n_writing;
        make_due(logs, log);
    }
    nw_buffer_fini(&log->writing);
    ask_again(logs, log);
    if (log->remove && !log->coming.length && !log->lost && !log->forgotten)
        log_free(logs, log);
}

/* Empty, and it may still wait: with the others of its function, until more comes. */
static bool waits_on(struct nw_logs *logs, struct nw_log_reader *reader)
{
    bool empty = !reader->error && !reader->page.n && !reader->page.more;
    if (!empty || !reader->done || nw_io_now(logs->io) >= reader->until)
        return false;
    reader->query.after = reader->page.next;
    nw_list_append(&logs->idle, &reader->link);
    return true;
}

static void reader_done(struct nw_logs *logs, struct nw_log_reader *reader, int error)
{
    nw_list_remove(&reader->link);
    logs->n_readers--;
    if (reader->done)
        reader->done(reader, error);
    else
        nw_buffer_fini(&reader->page.lines), free(reader);
}

static void round_ends(void *arg)
{
    struct nw_logs *logs = arg;
    struct nw_list readers;
    logs->busy = false;
    nw_list_each(&logs->round, at, after) log_written(logs, nw_container(at, struct log, in_round));
    nw_list_init(&readers);
    nw_list_splice(&readers, &logs->reading);
    nw_list_each(&readers, at, after)
    {
        struct nw_log_reader *reader = nw_container(at, struct nw_log_reader, link);
        nw_list_remove(&reader->link);
        if (!waits_on(logs, reader))
            reader_done(logs, reader, reader->error);
    }
    if (!nw_list_empty(&logs->asked))
        round_starts(logs);
}

static void take_log(struct nw_logs *logs, struct log *log)
{
    nw_list_remove(&log->due);
    nw_list_append(&logs->round, &log->in_round);
    logs->waiting -= log->coming.length;
    log->writing = log->coming;
    log->coming = (struct nw_buffer){0};
    log->n_writing = log->n_coming;
    log->lost_before = log->lost;
    log->remove = log->forgotten;
    log->n_coming = log->lost = 0;
    log->forgotten = false;
}

static void take_all(struct nw_logs *logs)
{
    logs->rounds++;
    nw_list_each(&logs->due, at, after) take_log(logs, nw_container(at, struct log, due));
    nw_list_splice(&logs->reading, &logs->asked);
}

static void round_starts(struct nw_logs *logs)
{
    if (logs->busy)
        return;
    take_all(logs);
    logs->busy = nw_io_offload(logs->io, work, round_ends, logs) == 0;
    if (logs->busy)
        return;
    nw_list_each(&logs->round, at, after)
    {
        struct log *log = nw_container(at, struct log, in_round);
        log->error = -EAGAIN;
        log_written(logs, log);
    }
    nw_list_each(&logs->reading, at, after) reader_done(logs, nw_container(at, struct nw_log_reader, link), -EAGAIN);
}

void nw_logs_forget(struct nw_logs *logs, const char *function)
{
    struct log *log = log_get(logs, function);
    if (!log)
        return;
    logs->waiting -= log->coming.length;
    log->coming.length = 0;
    log->n_coming = log->lost = 0;
    log->forgotten = true;
    make_due(logs, log);
}

int nw_logs_read(struct nw_logs *logs, struct nw_log_reader *reader)
{
    if (logs->n_readers == NW_LOG_READERS_MOST)
        return -EBUSY;
    logs->n_readers++;
    nw_list_init(&reader->link);
    nw_list_append(&logs->asked, &reader->link);
    round_starts(logs);
    return 0;
}

static bool is_in(const struct nw_list *list, const struct nw_list *member)
{
    for (const struct nw_list *at = list->next; at != list; at = at->next)
        if (at == member)
            return true;
    return false;
}

void nw_log_reader_leave(struct nw_logs *logs, struct nw_log_reader *reader)
{
    reader->done = NULL;
    if (!is_in(&logs->reading, &reader->link))
        reader_done(logs, reader, 0);
}

/* The round does not look at `until`. */
void nw_logs_hurry(struct nw_logs *logs)
{
    struct nw_list *const lists[] = {&logs->asked, &logs->reading, &logs->idle};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        nw_list_each(lists[i], at, after) nw_container(at, struct nw_log_reader, link)->until = 0;
}

void nw_logs_tick(struct nw_logs *logs)
{
    nw_list_each(&logs->idle, at, after)
    {
        struct nw_log_reader *reader = nw_container(at, struct nw_log_reader, link);
        if (nw_io_now(logs->io) >= reader->until)
            reader_done(logs, reader, 0);
    }
    if (!nw_list_empty(&logs->due) || !nw_list_empty(&logs->asked))
        round_starts(logs);
}

static void free_one(void *arg, struct nw_table_node *node)
{
    struct log *log = nw_container(node, struct log, by_name);
    (void)arg;
    nw_buffer_fini(&log->coming);
    nw_buffer_fini(&log->writing);
    free(log);
}

void nw_logs_free(struct nw_logs *logs)
{
    if (!logs)
        return;
    take_all(logs);
    work(logs);
    nw_table_each(&logs->names, free_one, NULL);
    nw_table_fini(&logs->names);
    close(logs->directory);
    free(logs);
}
