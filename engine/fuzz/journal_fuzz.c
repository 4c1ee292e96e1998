/*
 * A registry and its copy in which somebody has written: bytes of his own, and records with right checksums in any
 * order and of any number. A start is not refused for it, code that a function has stays in the store, and the next
 * start finds the same functions and nothing to tell.
 */
#include "common/base/buffer.h"
#include "common/test/fuzz.h"
#include "engine/lookup/table.h"
#include "engine/store/journal/journal.h"
#include "engine/store/registry.h"
#include "engine/store/store.h"
#include <fcntl.h>
#include <ftw.h>
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

static void add_record(struct world *world, enum what what, uint64_t number, struct nw_buffer *bytes)
{
    static const char kinds[KINDS] = {[BEGIN] = 'B', [CODE_RECORD] = 'C', [PUT] = 'P', [DELETE] = 'D', [PUT_RAW] = 'P'};
    char name[2] = {(char)('a' + nw_fuzz_take(&world->input, 1) % 4)}, manifest[128];
    bool named = what == PUT || what == DELETE || what == PUT_RAW;
    struct nw_record record = {.kind = (enum nw_record_kind)kinds[what], .number = number, .manifest = manifest};
    record.name = named ? name : NULL;
    record.sha256 = nw_fuzz_take(&world->input, 1) % 2 ? world->sha256 : NULL;
    if (what == PUT)
        record.manifest_length = (size_t)snprintf(manifest, sizeof manifest, "{\"name\":\"%s\",\"slots\":%u}", name,
                                                  (unsigned)nw_fuzz_take(&world->input, 1));
    else if (what == PUT_RAW)
        record.manifest =
            (const char *)nw_fuzz_bytes(&world->input, nw_fuzz_take(&world->input, 1), &record.manifest_length);
    NW_FUZZ_CHECK(nw_record_append(bytes, &record) == 0);
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

static void make_file(struct world *world, const char *name)
{
    struct nw_buffer bytes = {0};
    if (nw_fuzz_take(&world->input, 1) % 8 == 7)
        return;
    make_bytes(world, &bytes);
    int fd = open(path_in(world, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    NW_FUZZ_CHECK(fd >= 0 && write(fd, bytes.data, bytes.length) == (ssize_t)bytes.length);
    close(fd);
    nw_buffer_fini(&bytes);
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

static void see(void *arg, struct nw_manifest *manifest, const char *sha256)
{
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
    struct world world = {.directory = "/dev/shm/nw-journal-fuzz-XXXXXX", .input = {data, size}};
    NW_FUZZ_CHECK(mkdtemp(world.directory));
    make_code(&world);
    make_file(&world, NW_JOURNAL_NAME);
    make_file(&world, NW_JOURNAL_COPY);
    uint64_t first = start(&world, true);
    NW_FUZZ_CHECK(start(&world, false) == first);
    NW_FUZZ_CHECK(nftw(world.directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
    return 0;
}
