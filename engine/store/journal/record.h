/*
 * The records of the registry's journal, as bytes. A record says what became of one function, or that code was written
 * to the store. Each has a checksum, so that whole records are found among damaged bytes, and a number, so that a lack
 * is noticed. Not responsible for files (journal.h).
 *
 *   "NWr1" | length of the rest, 4 bytes | first 16 bytes of the SHA-256 of what follows | number, 8 bytes | kind |
 *   SHA-256 of the code, as 64 hex digits | name | 0 | manifest as JSON
 *
 * Integers are little-endian. Kinds without code have 64 digits 0; kinds without name or manifest have them empty.
 */
#ifndef NW_ENGINE_STORE_JOURNAL_RECORD_H
#define NW_ENGINE_STORE_JOURNAL_RECORD_H

#include "common/base/buffer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_RECORD_SHA256 64
#define NW_RECORD_NAME   63
#define NW_RECORD_MOST   (1ul << 20) /* bytes of one record */

enum nw_record_kind {
    NW_RECORD_BEGIN = 'B',  /* the first of a file: records from before it no longer count */
    NW_RECORD_PUT = 'P',    /* a function has this code and manifest */
    NW_RECORD_DELETE = 'D', /* it is not deployed any more */
    NW_RECORD_CODE = 'C',   /* this code is about to be written to the store */
};

struct nw_record {
    enum nw_record_kind kind;
    uint64_t number;
    const char *sha256; /* NW_RECORD_SHA256 digits without NUL; to append: or NULL for none */
    const char *name;
    const char *manifest; /* not terminated */
    size_t manifest_length;
};

/* Appends the bytes of a record. 0; -ENOMEM or -E2BIG with nothing appended. */
int nw_record_append(struct nw_buffer *to, const struct nw_record *record);

/* Reads the record at the beginning of `data`, to which `record` points then. Returns its length; 0: none that is
 * whole. */
size_t nw_record_read(const char *data, size_t length, struct nw_record *record);

/* The same without a look at the checksum, for a record that was found whole before. */
size_t nw_record_read_again(const char *data, size_t length, struct nw_record *record);

/* Whether bytes that hold no whole record may be a single record that was not written to its end. */
bool nw_record_may_be_cut(const char *data, size_t length);

/* The same as nw_record_read for the first whole record at or behind *at, which becomes the place where it begins. */
size_t nw_record_find(const char *data, size_t length, size_t *at, struct nw_record *record);

#endif
