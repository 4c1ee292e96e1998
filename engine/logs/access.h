/*
 * The access log: a line for each request that was answered over HTTP. Lines are gathered in memory and written by a
 * thread of its own, a few times a second; what finds no room while that is slow is lost, and a line says how much.
 * Not responsible for what a line says (gateway/access.c).
 *
 * One for each thread of the engine; all append to the same file.
 */
#ifndef NW_ENGINE_LOGS_ACCESS_H
#define NW_ENGINE_LOGS_ACCESS_H

#include "engine/io/io.h"
#include <stddef.h>
#include <stdint.h>

struct nw_access;

/* `path` is a file, made if it is missing, or "-" for standard error. NULL with errno set on failure. */
struct nw_access *nw_access_new(struct nw_io *io, const char *path);

/* Adds a line with its newline. */
void nw_access_add(struct nw_access *access, const char *line, size_t length);

/* A tenth of a second has passed. */
void nw_access_tick(struct nw_access *access);

/* From now on all of them write to a file that is opened anew: the old one was moved away. Any thread. */
void nw_access_reopen(void);

/* Writes what is left. The loop is freed already. */
void nw_access_free(struct nw_access *access);

#endif
