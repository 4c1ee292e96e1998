/* The registry as versions before the journal kept it, an SQLite database, is read once and becomes records. */
#ifndef NW_ENGINE_STORE_JOURNAL_OLD_H
#define NW_ENGINE_STORE_JOURNAL_OLD_H

#include "common/base/buffer.h"
#include <stdbool.h>
#include <stddef.h>

/* Whether bytes are the beginning of such a file. */
bool nw__old_is(const char *data, size_t length);

/*
 * Appends records for what the database at `path` holds, all numbered from 1. `sealed`: one without a checksum cannot
 * be whole, because there was one. 0; -EBADMSG when it is not what was written, -ENOMEM, or -EIO when it cannot be
 * looked at; with `why`.
 */
int nw__old_read(const char *path, bool sealed, struct nw_buffer *records, char *why, size_t why_size);

#endif
