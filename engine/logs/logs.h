/*
 * The logs of functions: what comes in is kept in memory until a thread of its own has written it, in rounds, a few a
 * second, so that a slow disk, or none, delays nobody; what finds no room meanwhile is lost and counted, and a line
 * says how much. Whoever reads is answered by the same thread. Not responsible for what files look like (ring.h).
 *
 * The main thread of the engine.
 */
#ifndef NW_ENGINE_LOGS_LOGS_H
#define NW_ENGINE_LOGS_LOGS_H

#include "engine/base/list.h"
#include "engine/io/io.h"
#include "engine/logs/line.h"
#include "engine/logs/ring.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_LOG_READERS_MOST 32

struct nw_logs;

/* How much there is to be written of those who share room for it: of a tenant. All zero at first. */
struct nw_log_share {
    uint64_t round; /* that will write it */
    size_t bytes;
};

/* Somebody who waits for lines. */
struct nw_log_reader {
    struct nw_list link;
    char function[NW_NAME_MAX + 1];
    struct nw_log_query query;
    uint64_t until; /* of the loop's clock: when there are no lines until then, the page is empty */
    /* The answer: `error` is 0 or negative errno. The reader is the receiver's again. NULL: nobody wants it any more,
     * and the reader is freed with free(). */
    void (*done)(struct nw_log_reader *reader, int error);
    struct nw_log_page page;
    int error;
};

/* Logs below the state directory: `size` bytes of each function, `total` of all. NULL: none are kept; why is in the
 * log. */
struct nw_logs *nw_logs_new(struct nw_io *io, const char *state, uint64_t size, uint64_t total);

/* Writes what has yet to be written. The loop is freed already, so that nothing is under way. */
void nw_logs_free(struct nw_logs *logs);

/* Adds a line; line->length bytes of text. */
void nw_logs_add(struct nw_logs *logs, struct nw_log_share *share, const char *function, const struct nw_log_line *line,
                 const char *text);

/* So many lines of it were lost on their way here. */
void nw_logs_lost(struct nw_logs *logs, const char *function, uint64_t n);

/* Lines that were lost so far, for whatever reason. */
uint64_t nw_logs_all_lost(const struct nw_logs *logs);

/* The function is gone, and its log goes. */
void nw_logs_forget(struct nw_logs *logs, const char *function);

/* Reads; `done` comes later, on the loop. -EBUSY: too many do already; -ENOMEM. */
int nw_logs_read(struct nw_logs *logs, struct nw_log_reader *reader);

/* A reader that was given to nw_logs_read, and is not done, wants nothing any more. It is freed now or later. */
void nw_log_reader_leave(struct nw_logs *logs, struct nw_log_reader *reader);

/* Nobody who reads now waits any longer for lines that may come. */
void nw_logs_hurry(struct nw_logs *logs);

/* A tenth of a second has passed. */
void nw_logs_tick(struct nw_logs *logs);

#endif
