/*
 * The records of the registry's journal, as bytes. A record says what became of one function, or that code was written
 * to the store. Each has a checksum and a number: what is whole can be found among damaged bytes, and what is lacking
 * is noticed. Not responsible for files (journal.h).
 *
 *   "NWr1" | length of the rest, 4 bytes | first 16 bytes of the SHA-256 of what follows | number, 8 bytes | kind |
 *   SHA-256 of the code, as 64 hex digits | name | 0 | manifest as JSON
 *
 * Numbers are those of x86-64. A kind without code has digits 0, one without name or manifest has them empty.
 */
#ifndef NW_ENGINE_STORE_JOURNAL_RECORD_H
#define NW_ENGINE_STORE_JOURNAL_RECORD_H

#include "common/base/buffer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_RECORD_SHA256 64
#define NW_RECORD_NAME   63
#define NW_RECORD_MOST   (1ul << 20) /* bytes of one */

enum nw_record_kind {
    NW_RECORD_BEGIN = 'B',  /* the first of a file: all that counts stands behind it */
    NW_RECORD_PUT = 'P',    /* a function has this code and manifest */
    NW_RECORD_DELETE = 'D', /* it is not deployed any more */
    NW_RECORD_CODE = 'C',   /* this code is about to be written to the store */
};

struct nw_record {
    enum nw_record_kind kind;
    uint64_t number;
    const char *sha256; /* NW_RECORD_SHA256 digits without NUL, or NULL for none */
    const char *name;
    const char *manifest; /* not terminated */
    size_t manifest_length;
};

/* 0; -ENOMEM or -E2BIG with nothing appended. */
int nw_record_append(struct nw_buffer *to, const struct nw_record *record);

/* The length of the record at the beginning of `data`, which then is `record` and points there; 0: no whole one. */
size_t nw_record_read(const char *data, size_t length, struct nw_record *record);

/* The same of bytes in which it was found whole before: its checksum is not looked at again. */
size_t nw_record_read_again(const char *data, size_t length, struct nw_record *record);

/* Whether bytes that are no whole record may be the beginning of one alone, or one that was not written to its end. */
bool nw_record_may_be_cut(const char *data, size_t length);

/* The same as nw_record_read, of the first record that begins at or behind *at, which then is where. */
size_t nw_record_find(const char *data, size_t length, size_t *at, struct nw_record *record);

#endif
