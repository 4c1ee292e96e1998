/*
 * A registry and its copy in which somebody has written: a database with other bytes in it, or a journal of an earlier
 * version with bytes of his own and records with right checksums in any order and of any number. A start is not refused
 * for it, code that a function has stays in the store, and the next start finds the same functions and nothing to tell.
 */
#include "common/base/buffer.h"
#include "common/test/fuzz.h"
#include "engine/lookup/table.h"
#include "engine/store/database/registry_file.h"
#include "engine/store/registry.h"
#include "engine/store/store.h"
#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE    "code"
#define RECORDS 64
#define BYTES   4096 /* at most, of one piece */

enum what {
    END = 0, /* of the file; also behind the end of the input */
    RAW,
    BEGIN,
    CODE_RECORD,
    PUT,
    DELETE,
    PUT_RAW, /* with a manifest that is none */
    KINDS,
};

struct world {
    char directory[64], path[256], sha256[NW__STORE_SHA256_SIZE];
    struct nw_fuzz_input input;
};

static const char *path_in(struct world *world, const char *name)
{
    snprintf(world->path, sizeof world->path, "%s/%s", world->directory, name);
    return world->path;
}

/* --- the files --- */

static void append(struct nw_buffer *to, const void *bytes, size_t length)
{
    NW_FUZZ_CHECK(nw_buffer_append(to, bytes, length) == 0);
}

/* The body is everything that the checksum covers. */
static void append_record(struct nw_buffer *to, const struct nw_buffer *body)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    uint32_t rest = (uint32_t)(NW__DATABASE_SUM + body->length);
    NW_FUZZ_CHECK(EVP_Digest(body->data, body->length, digest, NULL, EVP_sha256(), NULL));
    append(to, "NWr1", 4);
    append(to, &rest, sizeof rest);
    append(to, digest, NW__DATABASE_SUM);
    append(to, body->data, body->length);
}

static void add_record(struct world *world, enum what what, uint64_t number, struct nw_buffer *bytes)
{
    static const char kinds[KINDS] = {[BEGIN] = 'B', [CODE_RECORD] = 'C', [PUT] = 'P', [DELETE] = 'D', [PUT_RAW] = 'P'};
    static const char none[] = "0000000000000000000000000000000000000000000000000000000000000000";
    char name[2] = {(char)('a' + nw_fuzz_take(&world->input, 1) % 4)}, manifest[128];
    struct nw_buffer body = {0};
    bool named = what == PUT || what == DELETE || what == PUT_RAW;
    size_t length = 0;
    append(&body, &number, sizeof number);
    append(&body, &kinds[what], 1);
    append(&body, nw_fuzz_take(&world->input, 1) % 2 ? world->sha256 : none, NW__DATABASE_SHA256);
    append(&body, name, named ? 2 : 0);
    if (!named)
        append(&body, "", 1);
    if (what == PUT) {
        length = (size_t)snprintf(manifest, sizeof manifest, "{\"name\":\"%s\",\"slots\":%u}", name,
                                  (unsigned)nw_fuzz_take(&world->input, 1));
        append(&body, manifest, length);
    } else if (what == PUT_RAW) {
        const uint8_t *raw = nw_fuzz_bytes(&world->input, nw_fuzz_take(&world->input, 1), &length);
        append(&body, raw, length);
    }
    append_record(bytes, &body);
    nw_buffer_fini(&body);
}

/* Numbers go on by one, unless the input says by how many. */
static void make_bytes(struct world *world, struct nw_buffer *bytes)
{
    uint64_t number = 0;
    size_t length;
    for (int i = 0; i < RECORDS; i++) {
        unsigned byte = (unsigned)nw_fuzz_take(&world->input, 1);
        enum what what = (enum what)(byte % KINDS);
        if (what == END)
            return;
        number += byte < 128 ? 1 : nw_fuzz_take(&world->input, 8);
        if (what == RAW) {
            const uint8_t *raw = nw_fuzz_bytes(&world->input, nw_fuzz_take(&world->input, 2) % BYTES, &length);
            NW_FUZZ_CHECK(nw_buffer_append(bytes, raw, length) == 0);
        } else {
            add_record(world, what, number, bytes);
        }
    }
}

static void make_journal(struct world *world, int fd)
{
    struct nw_buffer bytes = {0};
    make_bytes(world, &bytes);
    NW_FUZZ_CHECK(write(fd, bytes.data, bytes.length) == (ssize_t)bytes.length);
    nw_buffer_fini(&bytes);
}

/* A whole one, in which then some bytes are others. */
static void make_database(struct world *world, const char *name, int fd)
{
    struct nw__database database;
    struct stat st;
    NW_FUZZ_CHECK(nw__database_make(&database, path_in(world, name)) == SQLITE_OK);
    NW_FUZZ_CHECK(nw__database_begin(&database, NW__DATABASE_KILL) == SQLITE_OK);
    NW_FUZZ_CHECK(nw_database_put(&database, "a", world->sha256, "{\"name\":\"a\",\"slots\":1}") == SQLITE_OK);
    NW_FUZZ_CHECK(nw_database_put(&database, "b", world->sha256, "{\"name\":\"b\",\"slots\":2}") == SQLITE_OK);
    NW_FUZZ_CHECK(nw_database_put(&database, "b@v1", world->sha256, "{\"slots\":3}\nv1 2 9 0123456789ab") == SQLITE_OK);
    NW_FUZZ_CHECK(nw__database_end(&database) == SQLITE_OK);
    nw__database_close(&database);
    NW_FUZZ_CHECK(fstat(fd, &st) == 0);
    for (uint64_t edits = nw_fuzz_take(&world->input, 1) % 16; edits; edits--) {
        off_t at = (off_t)(nw_fuzz_take(&world->input, 3) % (uint64_t)st.st_size);
        char byte = (char)nw_fuzz_take(&world->input, 1);
        NW_FUZZ_CHECK(pwrite(fd, &byte, 1, at) == 1);
    }
}

static void make_file(struct world *world, const char *name)
{
    uint64_t what = nw_fuzz_take(&world->input, 1) % 8;
    if (what == 7)
        return;
    int fd = open(path_in(world, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    NW_FUZZ_CHECK(fd >= 0);
    if (what >= 5)
        make_database(world, name, fd);
    else
        make_journal(world, fd);
    close(fd);
}

static void make_code(struct world *world)
{
    struct nw__store store;
    char why[1024];
    NW_FUZZ_CHECK(nw__store_open(&store, world->directory, why, sizeof why) == 0);
    nw__store_name(CODE, strlen(CODE), world->sha256);
    NW_FUZZ_CHECK(nw__store_put(&store, CODE, strlen(CODE), world->sha256, why, sizeof why) == 0);
    nw__store_close(&store);
}

/* --- a start --- */

struct seen {
    struct world *world;
    uint64_t sum; /* of the functions, whatever their order */
};

static void see(void *arg, const struct nw_registry_row *row)
{
    const struct nw_manifest *manifest = row->manifest;
    const char *sha256 = row->sha256;
    struct seen *seen = arg;
    char name[96];
    seen->sum += nw_table_hash(manifest->name, strlen(manifest->name)) * (1 + manifest->slots);
    snprintf(name, sizeof name, "store/%s.so", sha256);
    NW_FUZZ_CHECK(strcmp(sha256, seen->world->sha256) != 0 || access(path_in(seen->world, name), F_OK) == 0);
}

static uint64_t start(struct world *world, bool has_notice)
{
    struct seen seen = {world, 0};
    char why[1024];
    struct nw_registry *registry = nw_registry_open(world->directory, why, sizeof why);
    NW_FUZZ_CHECK(registry);
    NW_FUZZ_CHECK(has_notice || !nw_registry_notice(registry));
    nw_registry_each(registry, see, &seen);
    nw_registry_versions(registry, "b", see, &seen);
    nw_registry_close(registry);
    return seen.sum;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.directory = "/dev/shm/nw-registry-fuzz-XXXXXX", .input = {data, size}};
    NW_FUZZ_CHECK(mkdtemp(world.directory));
    make_code(&world);
    make_file(&world, NW__REGISTRY_NAME);
    make_file(&world, NW__REGISTRY_COPY);
    uint64_t first = start(&world, true);
    NW_FUZZ_CHECK(start(&world, false) == first);
    NW_FUZZ_CHECK(nftw(world.directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
    return 0;
}
