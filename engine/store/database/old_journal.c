/*
 * Journals as old.h tells. Records follow one another:
 *
 *   "NWr1" | length of the rest, 4 bytes | first 16 bytes of the SHA-256 of what follows | number, 8 bytes | kind |
 *   SHA-256 of the code, as 64 hex digits | name | 0 | manifest as JSON
 *
 * Integers are little-endian. The kinds: B, the first of a file; P, a function has this code and manifest; D, it was
 * removed; C, code that was written.
 */
#include "common/base/buffer.h"
#include "common/base/log.h"
#include "engine/store/database/old.h"
#include <openssl/evp.h>
#include <string.h>

#define MARK   "NWr1"
#define SUM_AT 8
#define BODY   (SUM_AT + NW__DATABASE_SUM) /* the checksum covers everything from here on */
#define KIND   (BODY + 8)
#define CODE   (KIND + 1)
#define NAME   (CODE + NW__DATABASE_SHA256)
#define MOST   (1ul << 20) /* bytes of one record */

bool nw__old_is_journal(const char *data, size_t length)
{
    return length >= strlen(MARK) && !memcmp(data, MARK, strlen(MARK));
}

/* The length of the whole record at the beginning of `data`; 0: there is none. */
static size_t length_of(const char *data, size_t length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint32_t rest;
    if (length < NAME + 1 || !nw__old_is_journal(data, length))
        return 0;
    memcpy(&rest, data + 4, sizeof rest);
    size_t whole = SUM_AT + (size_t)rest;
    if (whole < NAME + 1 || whole > length || whole > MOST)
        return 0;
    if (!EVP_Digest(data + BODY, whole - BODY, digest, NULL, EVP_sha256(), NULL))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
    return memcmp(digest, data + SUM_AT, NW__DATABASE_SUM) == 0 && memchr(data + NAME, 0, whole - NAME) ? whole : 0;
}

/* Finds the first whole record at or behind *at, where it then begins. 0: there is none. */
static size_t find(const char *data, size_t length, size_t *at)
{
    while (*at < length) {
        size_t whole = length_of(data + *at, length - *at);
        if (whole)
            return whole;
        const char *next = memmem(data + *at + 1, length - *at - 1, MARK, strlen(MARK));
        *at = next ? (size_t)(next - data) : length;
    }
    return 0;
}

static void tell(const char *record, size_t length, int64_t number, nw__old_each *each, void *arg)
{
    const char *name = record + NAME, *manifest = name + strlen(name) + 1;
    char sha256[NW__DATABASE_SHA256 + 1] = "";
    struct nw_buffer text = {0};
    if ((record[KIND] != 'P' && record[KIND] != 'D') || !*name)
        return;
    memcpy(sha256, record + CODE, NW__DATABASE_SHA256);
    if (nw_buffer_printf(&text, "%.*s", (int)(record + length - manifest), manifest) < 0)
        nw_die_system("cannot read the registry: out of memory");
    each(arg,
         &(struct nw__database_row){
             .name = name, .sha256 = sha256, .manifest = record[KIND] == 'P' ? text.data : NULL, .number = number});
    nw_buffer_fini(&text);
}

/* One record that was not written to its end was never reported as done. */
static bool may_be_cut(const char *data, size_t length)
{
    return !length || !memmem(data + 1, length - 1, MARK, strlen(MARK));
}

struct nw__old_journal nw__old_read_journal(const char *data, size_t length, nw__old_each *each, void *arg)
{
    struct nw__old_journal journal = {.whole = true};
    size_t at = 0, end = 0, whole;
    for (; (whole = find(data, length, &at)); at += whole, end = at) {
        int64_t number;
        memcpy(&number, data + at + BODY, sizeof number);
        journal.whole &= at == end && (end ? number == journal.last + 1 : data[KIND] == 'B');
        journal.last = number;
        if (each)
            tell(data + at, whole, number, each, arg);
    }
    journal.whole &= end && may_be_cut(data + end, length - end);
    return journal;
}
