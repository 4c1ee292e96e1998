/* See record.h. */
#include "engine/store/journal/record.h"
#include "common/base/log.h"
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define MARK   "NWr1"
#define SUM_AT 8
#define SUM    16
#define BODY   (SUM_AT + SUM) /* the checksum covers everything from here on */
#define NAME   (BODY + 8 + 1 + NW_RECORD_SHA256)

static const char no_code[NW_RECORD_SHA256 + 1] = "0000000000000000000000000000000000000000000000000000000000000000";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;

static void fetch(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* To look up the algorithm takes longer than a record does, so it is done once. */
static void checksum(const char *data, size_t length, unsigned char sum[SUM])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    pthread_once(&once, fetch);
    if (!EVP_Digest(data + BODY, length - BODY, digest, NULL, algorithm, NULL))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
    memcpy(sum, digest, SUM);
}

int nw_record_append(struct nw_buffer *to, const struct nw_record *record)
{
    size_t name = record->name ? strlen(record->name) : 0, length = NAME + name + 1 + record->manifest_length;
    if (length > NW_RECORD_MOST)
        return -E2BIG;
    if (nw_buffer_reserve(to, length) < 0)
        return -ENOMEM;
    char *data = to->data + to->length;
    uint32_t rest = (uint32_t)(length - SUM_AT);
    memcpy(data, MARK, 4);
    memcpy(data + 4, &rest, sizeof rest);
    memcpy(data + BODY, &record->number, sizeof record->number);
    data[BODY + 8] = (char)record->kind;
    memcpy(data + BODY + 9, record->sha256 ? record->sha256 : no_code, NW_RECORD_SHA256);
    memcpy(data + NAME, record->name ? record->name : "", name + 1);
    if (record->manifest_length)
        memcpy(data + NAME + name + 1, record->manifest, record->manifest_length);
    checksum(data, length, (unsigned char *)data + SUM_AT);
    to->length += length;
    return 0;
}

static bool are_digits(const char *sha256)
{
    for (size_t i = 0; i < NW_RECORD_SHA256; i++)
        if (!strchr("0123456789abcdef", sha256[i]) || !sha256[i])
            return false;
    return true;
}

/* The checksum finds damage, but anybody can compute one: so no field is trusted. */
static bool take(const char *data, size_t length, struct nw_record *record)
{
    const char *name = data + NAME, *end = memchr(name, '\0', length - NAME);
    if (!end || end - name > NW_RECORD_NAME || !are_digits(data + BODY + 9))
        return false;
    *record = (struct nw_record){.kind = (enum nw_record_kind)(unsigned char)data[BODY + 8],
                                 .sha256 = data + BODY + 9,
                                 .name = name,
                                 .manifest = end + 1,
                                 .manifest_length = length - (size_t)(end + 1 - data)};
    memcpy(&record->number, data + BODY, sizeof record->number);
    bool named = *name != '\0';
    switch (record->kind) {
    case NW_RECORD_BEGIN:
    case NW_RECORD_CODE:
        return !named;
    case NW_RECORD_PUT:
    case NW_RECORD_DELETE:
        return named;
    default:
        return false;
    }
}

/* The length of the record as its head says; 0: there is no record that fits into `length`. */
static size_t length_of(const char *data, size_t length)
{
    uint32_t rest;
    if (length < NAME + 1 || memcmp(data, MARK, 4) != 0)
        return 0;
    memcpy(&rest, data + 4, sizeof rest);
    size_t whole = SUM_AT + (size_t)rest;
    return whole < NAME + 1 || whole > length || whole > NW_RECORD_MOST ? 0 : whole;
}

size_t nw_record_read(const char *data, size_t length, struct nw_record *record)
{
    unsigned char sum[SUM];
    size_t whole = length_of(data, length);
    if (!whole)
        return 0;
    checksum(data, whole, sum);
    return memcmp(sum, data + SUM_AT, SUM) == 0 && take(data, whole, record) ? whole : 0;
}

size_t nw_record_read_again(const char *data, size_t length, struct nw_record *record)
{
    size_t whole = length_of(data, length);
    return whole && take(data, whole, record) ? whole : 0;
}

bool nw_record_may_be_cut(const char *data, size_t length)
{
    uint32_t rest = NW_RECORD_MOST;
    if (length >= SUM_AT && memcmp(data, MARK, 4) == 0)
        memcpy(&rest, data + 4, sizeof rest);
    return length <= SUM_AT + (size_t)rest && (!length || !memmem(data + 1, length - 1, MARK, 4));
}

size_t nw_record_find(const char *data, size_t length, size_t *at, struct nw_record *record)
{
    while (*at < length) {
        size_t whole = nw_record_read(data + *at, length - *at, record);
        if (whole)
            return whole;
        const char *next = memmem(data + *at + 1, length - *at - 1, MARK, 4);
        *at = next ? (size_t)(next - data) : length;
    }
    return 0;
}
