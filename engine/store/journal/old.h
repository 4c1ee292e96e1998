/* Earlier versions kept the registry in an SQLite database. It is read once, and becomes records of a journal. */
#ifndef NW_ENGINE_STORE_JOURNAL_OLD_H
#define NW_ENGINE_STORE_JOURNAL_OLD_H

#include "common/base/buffer.h"
#include <stdbool.h>
#include <stddef.h>

/* Whether bytes are the beginning of such a file. */
bool nw__old_is(const char *data, size_t length);

/*
 * Appends records for what the database at `path` holds, numbered from 1. `sealed`: the version that wrote it also
 * wrote a checksum, so a database without one is damaged. 0; or, with `why`, -EBADMSG when it is damaged, -ENOMEM, or
 * -EIO when it cannot be read.
 */
int nw__old_read(const char *path, bool sealed, struct nw_buffer *records, char *why, size_t why_size);

#endif
