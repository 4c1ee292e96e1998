/*
 * An answer that is written in pieces, a few in each turn of the loop, so that a long one delays nobody. Not
 * responsible for what is in it (listing.c, status.c, metrics.c).
 */
#ifndef NW_ENGINE_ADMIN_PIECES_H
#define NW_ENGINE_ADMIN_PIECES_H

#include "common/base/buffer.h"
#include "engine/base/chores.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_engine;
struct nw_http_request;
struct nw__pieces;

struct nw__pieces_kind {
    const char *type; /* of the answer: its Content-Type */

    /* It is sent as it is written, so that only a part of it is in memory at a time, and no more is written while the
     * client does not read. Else it is sent once it is whole. */
    bool streams;

    /* Adds the next piece. False: that was the last one. */
    bool (*add)(struct nw__pieces *pieces);

    /* Frees it, whether the answer was given, cannot go on, or the client is gone. */
    void (*end)(struct nw__pieces *pieces);
};

/* The first member of what a kind keeps. */
struct nw__pieces {
    struct nw_chore chore;
    const struct nw__pieces_kind *kind;
    struct nw_engine *engine;
    struct nw_http_request *request;
    struct nw_buffer text;
    bool failed; /* memory is out, or it cannot go on */
    bool begun;  /* some of it is with the client */
    bool over;   /* all of it is written */
};

/* Answers a request once it is complete. The rest of `pieces` is zero. */
void nw__pieces_begin(struct nw__pieces *pieces, const struct nw__pieces_kind *kind, struct nw_engine *engine,
                      struct nw_http_request *request);

void nw__pieces_add(struct nw__pieces *pieces, const char *text, size_t length);

/* Adds a line of JSON without what is left out at its ends, and frees it; behind a comma, unless it is the first in its
 * list or object. NULL: memory is out. */
void nw__pieces_add_json(struct nw__pieces *pieces, char *json, size_t skip, size_t drop);

#endif
