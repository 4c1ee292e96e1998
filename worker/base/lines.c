/* See lines.h. A part is a line that has yet to end. */
#include "worker/base/lines.h"
#include "common/base/log.h"
#include "common/manifest/manifest.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/domain/monitor.h"
#include "worker/wire/report.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_SIZE 3072 /* a longer line is written as several */
#define PARTS_MAX 32   /* of a domain; beyond it what comes is a line as it is */

struct nw_line_part {
    struct nw_line_part *next; /* in domain.parts */
    struct nw_slot *slot;
    int stream;
    uint32_t sequence; /* the slot's, when it began: an invocation's lines do not go on in the next one's */
    uint64_t since;    /* of its last byte */
    size_t length;
    char text[PART_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards domain.parts and n_parts of all domains */

static void say(struct nw_domain *domain, const char *bytes, size_t length)
{
    char prefix[sizeof("function : ") + NW_NAME_MAX];

    if (!nw_may_log(domain))
        return;
    snprintf(prefix, sizeof(prefix), "function %s: ", domain->function->name);
    nw_log_bytes(NW_LOG_INFO, prefix, bytes, length);
}

static struct nw_line_part **link_of(struct nw_slot *slot, int stream)
{
    struct nw_line_part **link = &slot->domain->parts;

    while (*link && ((*link)->slot != slot || (*link)->stream != stream))
        link = &(*link)->next;
    return link;
}

static void part_end(struct nw_line_part **link)
{
    struct nw_line_part *part = *link;

    *link = part->next;
    part->slot->domain->n_parts--;
    say(part->slot->domain, part->text, part->length);
    free(part);
}

/* What has no end of line yet waits for more. Where there is no room for that, it is a line as it is. */
static void part_begin(struct nw_slot *slot, int stream, const char *bytes, size_t length)
{
    struct nw_domain *domain = slot->domain;
    struct nw_line_part *part = domain->n_parts < PARTS_MAX ? malloc(sizeof(*part)) : NULL;

    if (!part) {
        say(domain, bytes, length);
        return;
    }
    *part = (struct nw_line_part){.next = domain->parts,
                                  .slot = slot,
                                  .stream = stream,
                                  .sequence = slot->sequence,
                                  .since = nw_now(),
                                  .length = length};
    memcpy(part->text, bytes, length);
    domain->parts = part;
    domain->n_parts++;
}

/* The end of a line whose beginning waits; returns how many bytes that takes. */
static size_t part_go_on(struct nw_line_part **link, const char *bytes, size_t length)
{
    struct nw_line_part *part = *link;
    const char *end = memchr(bytes, '\n', length);
    size_t room = PART_SIZE - part->length, taken = end ? (size_t)(end - bytes) : length;

    taken = taken < room ? taken : room;
    memcpy(part->text + part->length, bytes, taken);
    part->length += taken;
    part->since = nw_now();
    if (end && bytes + taken == end) {
        part_end(link);
        return taken + 1;
    }
    if (part->length == PART_SIZE)
        part_end(link);
    return taken;
}

static void add_lines(struct nw_slot *slot, int stream, const char *bytes, size_t length)
{
    while (length) {
        const char *end = memchr(bytes, '\n', length < PART_SIZE ? length : PART_SIZE);
        size_t taken = end ? (size_t)(end - bytes) : length < PART_SIZE ? length : PART_SIZE;

        if (end || taken == PART_SIZE)
            say(slot->domain, bytes, taken);
        else
            part_begin(slot, stream, bytes, taken);
        taken += end != NULL;
        bytes += taken;
        length -= taken;
    }
}

void nw_lines_add(struct nw_slot *slot, int stream, const char *bytes, size_t length)
{
    struct nw_line_part **link;
    size_t taken = 0;

    pthread_mutex_lock(&lock);
    link = link_of(slot, stream);
    if (*link && (*link)->sequence != slot->sequence)
        part_end(link);
    else if (*link && length)
        taken = part_go_on(link, bytes, length);
    add_lines(slot, stream, bytes + taken, length - taken);
    pthread_mutex_unlock(&lock);
}

void nw_lines_end(struct nw_slot *slot)
{
    struct nw_line_part **link = &slot->domain->parts;

    pthread_mutex_lock(&lock);
    while (*link)
        if ((*link)->slot == slot)
            part_end(link);
        else
            link = &(*link)->next;
    pthread_mutex_unlock(&lock);
}

static uint64_t domain_rest(struct nw_domain *domain, uint64_t now, uint64_t next)
{
    struct nw_line_part **link = &domain->parts;

    while (*link) {
        uint64_t due = (*link)->since + NW_LINE_REST_NS;

        if (due <= now) {
            part_end(link);
        } else {
            next = due < next ? due : next;
            link = &(*link)->next;
        }
    }
    return next;
}

uint64_t nw_lines_rest(uint64_t now)
{
    uint64_t next = UINT64_MAX;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < NW_DOMAINS_MAX && nw_m.domains[i]; i++)
        if (nw_m.domains[i]->parts)
            next = domain_rest(nw_m.domains[i], now, next);
    pthread_mutex_unlock(&lock);
    return next;
}
