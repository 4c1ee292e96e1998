/* See lines.h. A part is a line that has yet to end. */
#include "worker/lines/lines.h"
#include "common/base/log.h"
#include "common/manifest/manifest.h"
#include "worker/account/log_share.h"
#include "worker/account/share.h"
#include "worker/base/now.h"
#include "worker/lines/said.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PART_SIZE 3072          /* a longer line is written as several */
#define PARTS_MAX 32            /* of a domain; beyond it what comes is a line as it is */
#define LOST_NS   1000000000ull /* a while later it is said how many lines are lost, if no line says it before */

struct nw_line_part {
    struct nw_line_part *next;    /* in nw_lines.parts */
    struct nw_line_writer writer; /* an invocation's lines do not go on in the next one's */
    int stream;
    uint64_t since; /* of its last byte */
    size_t length;
    char text[PART_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the lines of all domains, and ... */
static struct nw_lines *waiting;                         /* ... those that have parts or lost lines */

static void wait_for(struct nw_lines *lines)
{
    if (lines->waits)
        return;
    lines->waits = true;
    lines->next = waiting;
    waiting = lines;
}

static void stop_waiting(struct nw_lines *lines)
{
    struct nw_lines **link = &waiting;

    if (!lines->waits || lines->n || lines->lost)
        return;
    while (*link != lines)
        link = &(*link)->next;
    *link = lines->next;
    lines->waits = false;
}

static uint64_t date(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* With it goes how many lines were lost before. */
static void tell(struct nw_lines *lines, const struct nw_line_writer *writer, int stream, const char *bytes,
                 size_t length)
{
    const struct nw_said head = {.time = date(),
                                 .invocation = writer->invocation,
                                 .deployment = lines->deployment,
                                 .lost = lines->lost,
                                 .length = (uint16_t)length,
                                 .slot = writer->slot,
                                 .channel = writer->channel,
                                 .stream = (uint8_t)stream};

    if (nw__said_add(&head, bytes)) {
        lines->lost = 0;
        return;
    }
    lines->lost += stream != 0;
    lines->lost_at = nw_now();
}

static void say(struct nw_lines *lines, const struct nw_line_writer *writer, int stream, const char *bytes,
                size_t length)
{
    struct nw_account *account = lines->account;
    char prefix[sizeof("function : ") + NW_NAME_MAX];

    if (nw_may_log(&account->log, account->name)) {
        snprintf(prefix, sizeof(prefix), "function %s: ", account->name);
        nw_log_bytes(NW_LOG_INFO, prefix, bytes, length);
        tell(lines, writer, stream, bytes, length);
    } else {
        lines->lost++;
        lines->lost_at = nw_now();
    }
    if (lines->lost)
        wait_for(lines);
}

static void say_lost(struct nw_lines *lines)
{
    static const struct nw_line_writer nobody;

    if (lines->lost)
        tell(lines, &nobody, 0, "", 0);
    stop_waiting(lines);
}

static struct nw_line_part **link_of(struct nw_lines *lines, const void *thread, int stream)
{
    struct nw_line_part **link = &lines->parts;

    while (*link && ((*link)->writer.thread != thread || (*link)->stream != stream))
        link = &(*link)->next;
    return link;
}

static void part_end(struct nw_lines *lines, struct nw_line_part **link)
{
    struct nw_line_part *part = *link;

    *link = part->next;
    lines->n--;
    say(lines, &part->writer, part->stream, part->text, part->length);
    stop_waiting(lines);
    free(part);
}

/* Text without an end of line waits for more. Where it cannot be kept it is logged as a line of its own. */
static void part_begin(struct nw_lines *lines, struct nw_line_writer writer, int stream, const char *bytes,
                       size_t length)
{
    struct nw_line_part *part = lines->n < PARTS_MAX ? malloc(sizeof(*part)) : NULL;

    if (!part) {
        say(lines, &writer, stream, bytes, length);
        return;
    }
    *part = (struct nw_line_part){
        .next = lines->parts, .writer = writer, .stream = stream, .since = nw_now(), .length = length};
    memcpy(part->text, bytes, length);
    lines->parts = part;
    lines->n++;
    wait_for(lines);
}

/* Continues a line whose beginning waits. Returns how many bytes belonged to it. */
static size_t part_go_on(struct nw_lines *lines, struct nw_line_part **link, const char *bytes, size_t length)
{
    struct nw_line_part *part = *link;
    const char *end = memchr(bytes, '\n', length);
    size_t room = PART_SIZE - part->length, taken = end ? (size_t)(end - bytes) : length;

    taken = taken < room ? taken : room;
    memcpy(part->text + part->length, bytes, taken);
    part->length += taken;
    part->since = nw_now();
    if (end && bytes + taken == end) {
        part_end(lines, link);
        return taken + 1;
    }
    if (part->length == PART_SIZE)
        part_end(lines, link);
    return taken;
}

static void add_lines(struct nw_lines *lines, struct nw_line_writer writer, int stream, const char *bytes,
                      size_t length)
{
    while (length) {
        const char *end = memchr(bytes, '\n', length < PART_SIZE ? length : PART_SIZE);
        size_t taken = end ? (size_t)(end - bytes) : length < PART_SIZE ? length : PART_SIZE;

        if (end || taken == PART_SIZE)
            say(lines, &writer, stream, bytes, taken);
        else
            part_begin(lines, writer, stream, bytes, taken);
        taken += end != NULL;
        bytes += taken;
        length -= taken;
    }
}

void nw_lines_add(struct nw_lines *lines, struct nw_line_writer writer, int stream, const char *bytes, size_t length)
{
    struct nw_line_part **link;
    size_t taken = 0;

    pthread_mutex_lock(&lock);
    link = link_of(lines, writer.thread, stream);
    if (*link && (*link)->writer.sequence != writer.sequence)
        part_end(lines, link);
    else if (*link && length)
        taken = part_go_on(lines, link, bytes, length);
    add_lines(lines, writer, stream, bytes + taken, length - taken);
    pthread_mutex_unlock(&lock);
}

void nw_lines_end(struct nw_lines *lines, const void *thread)
{
    struct nw_line_part **link = &lines->parts;

    pthread_mutex_lock(&lock);
    while (*link)
        if ((*link)->writer.thread == thread)
            part_end(lines, link);
        else
            link = &(*link)->next;
    say_lost(lines);
    pthread_mutex_unlock(&lock);
}

/* When it is time to say how many lines are lost, which it does then. */
static uint64_t lost_rest(struct nw_lines *lines, uint64_t now, uint64_t next)
{
    uint64_t due = lines->lost_at + LOST_NS;

    if (!lines->lost)
        return next;
    if (due <= now)
        say_lost(lines);
    else
        next = due < next ? due : next;
    return next;
}

static uint64_t lines_rest(struct nw_lines *lines, uint64_t now, uint64_t next)
{
    struct nw_line_part **link = &lines->parts;

    while (*link) {
        uint64_t due = (*link)->since + NW_LINE_REST_NS;

        if (due <= now) {
            part_end(lines, link);
        } else {
            next = due < next ? due : next;
            link = &(*link)->next;
        }
    }
    return next;
}

uint64_t nw_lines_rest(uint64_t now)
{
    struct nw_lines *lines, *behind;
    uint64_t next = UINT64_MAX;

    pthread_mutex_lock(&lock);
    for (lines = waiting; lines; lines = behind) {
        behind = lines->next;
        next = lines_rest(lines, now, next);
        next = lost_rest(lines, now, next);
    }
    pthread_mutex_unlock(&lock);
    return next;
}
