/*
 * The lines of one function on disk, in two files below the directory of logs: NAME, which is written, and NAME~, which
 * was before. When NAME has reached its size it takes the place of NAME~. A position counts all bytes that were ever
 * written for the function, so it stays good when files are turned; the first line of a file says where it begins.
 *
 * What a kill left half written is no line, and is passed over. One thread at a time.
 */
#ifndef NW_ENGINE_LOGS_RING_H
#define NW_ENGINE_LOGS_RING_H

#include "engine/logs/line.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds whole lines. `grown` is by how many bytes the files have grown together, which may be negative. 0 or negative
 * errno, and nothing is added. */
int nw__log_ring_add(int directory, const char *name, const char *lines, size_t length, uint64_t size, int64_t *grown);

/* Which lines are wanted. */
struct nw_log_query {
    uint64_t after;          /* from this position on */
    char since[NW_LOG_TIME]; /* not older than this; "": of any age */
    char request[NW_LOG_REQUEST];
    size_t most; /* lines */
};

/* What was found of them. */
struct nw_log_page {
    struct nw_buffer lines; /* with a comma between them; not all zero when used again */
    size_t n;
    uint64_t next; /* the position behind the last that was looked at */
    bool more;     /* there are some behind it */
};

/* Looks for lines: until there are as many as wanted, or much was read. 0, also when there is no file, or negative
 * errno. */
int nw__log_ring_read(int directory, const char *name, const struct nw_log_query *query, struct nw_log_page *page);

/* Removes both files. */
void nw__log_ring_remove(int directory, const char *name);

/* The bytes of all files there, and the removal of those that were written longest ago until no more than `most` are
 * left. */
uint64_t nw__log_rings_size(int directory);
uint64_t nw__log_rings_trim(int directory, uint64_t most);

#endif
