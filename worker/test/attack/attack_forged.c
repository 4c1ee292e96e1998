/* See attack_forged.h. */
#include "worker/test/attack/attack_forged.h"
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/base/limits.h"
#include "worker/snapshot/format.h"
#include "worker/test/attack/driver/attack_damage.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANGE    (NW_PLACES_START + 1000 * NW_PLACE_SIZE)
#define SEALS    (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define NEW_MOST 2 /* parts that a forger adds */

/* A snapshot's file, taken apart. */
struct forgery {
    struct nw_file_tail tail;
    uint8_t *contents; /* with room for a page more */
    struct nw_file_part *parts;
    void *rest; /* images and libraries */
    size_t rest_size;
};

/* ---- the file ---- */

static uint32_t load(int *snapshot)
{
    const struct nw_load l = {.name = "forged",
                              .so = nw_attack_path("memory"),
                              .slots = 1,
                              .memory = 64ull << 20,
                              .profile = NW_PROFILE_FILES,
                              .range = RANGE,
                              .snapshot = snapshot};
    uint32_t deployment = nw_harness_load(&nw_attack.harness, &l);

    assert_int_not_equal(deployment, 0);
    return deployment;
}

/* Of memory.so, as the worker itself wrote it. */
static int take(void)
{
    const uint32_t deployment = load(NULL);
    const int file = nw_attack.harness.snapshot;

    assert_string_equal(nw_attack.harness.loaded, "");
    assert_true(file >= 0);
    nw_attack.harness.snapshot = -1;
    nw_harness_tell(&nw_attack.harness, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&nw_attack.harness, NW_CONTROL_RETIRED);
    return file;
}

static void *read_at(int file, size_t size, size_t room, uint64_t at)
{
    void *bytes = calloc(1, size + room);

    assert_non_null(bytes);
    assert_int_equal(pread(file, bytes, size, (off_t)at), size);
    return bytes;
}

static void open_forgery(struct forgery *f)
{
    const int file = take();
    const uint64_t end = (uint64_t)lseek(file, 0, SEEK_END) - sizeof(f->tail);
    size_t parts;

    assert_int_equal(pread(file, &f->tail, sizeof(f->tail), (off_t)end), sizeof(f->tail));
    parts = f->tail.n_parts * sizeof(*f->parts);
    f->rest_size = end - f->tail.contents - parts;
    f->contents = read_at(file, f->tail.contents, NW_PAGE_SIZE, 0);
    f->parts = read_at(file, parts, NEW_MOST * sizeof(*f->parts), f->tail.contents);
    f->rest = read_at(file, f->rest_size, 0, f->tail.contents + parts);
    close(file);
}

static void put(int file, const void *bytes, size_t size)
{
    assert_int_equal(write(file, bytes, size), size);
}

/* Put together again; sealed, unless somebody wants to change it. */
static int close_forgery(struct forgery *f, bool sealed)
{
    int file = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    put(file, f->contents, f->tail.contents);
    put(file, f->parts, f->tail.n_parts * sizeof(*f->parts));
    put(file, f->rest, f->rest_size);
    put(file, &f->tail, sizeof(f->tail));
    if (sealed)
        assert_int_equal(fcntl(file, F_ADD_SEALS, SEALS), 0);
    free(f->contents);
    free(f->parts);
    free(f->rest);
    return file;
}

/* A page more of contents; where it is in the file. */
static uint64_t add_page(struct forgery *f, const uint8_t *bytes)
{
    const uint64_t at = f->tail.contents;

    memcpy(f->contents + at, bytes, NW_PAGE_SIZE);
    f->tail.contents += NW_PAGE_SIZE;
    return at;
}

/* Makes room for `n` parts from index i on. */
static void add_parts(struct forgery *f, size_t i, size_t n)
{
    memmove(f->parts + i + n, f->parts + i, (f->tail.n_parts - i) * sizeof(*f->parts));
    f->tail.n_parts += (uint32_t)n;
}

/* ---- its use ---- */

static uint32_t load_forged(int file)
{
    const uint32_t deployment = load(&file);

    nw_harness_listen(&nw_attack.harness);
    return deployment;
}

/* Whether it was made from the file, and what it does then: try to run the code that was changed, and read a secret. */
static void use(uint32_t deployment, uint64_t where, char seen[NW_ATTACK_SEEN])
{
    const char *const unusable = nw_attack.harness.unusable;
    char input[64], did[NW_ATTACK_SEEN] = "no answer";
    struct nw_answer a;

    snprintf(input, sizeof(input), "changed %lx", where);
    if (nw_attack_try(deployment, input, &a) == 0) {
        nw_attack_describe(did, &a);
        free(a.data);
    }
    snprintf(seen, NW_ATTACK_SEEN, "%.60s%s%.60s", unusable, *unusable ? ": " : "", did);
}

static void use_file(int file, char seen[NW_ATTACK_SEEN])
{
    const uint64_t where = nw_attack_where(NULL);

    use(load_forged(file), where, seen);
    close(file);
}

/* ---- the attacks ---- */

/* The page of code that the function's file has there, with code that takes all rights. */
static uint64_t make_code(uint8_t page[NW_PAGE_SIZE])
{
    static uint8_t bytes[1 << 20];
    const int file = open(nw_attack_path("memory"), O_RDONLY | O_CLOEXEC);
    const ssize_t size = read(file, bytes, sizeof(bytes));
    uint64_t at;

    assert_true(size > 0);
    close(file);
    at = nw_attack_put_code(bytes, (size_t)size) & -NW_PAGE_SIZE;
    memcpy(page, bytes + at, NW_PAGE_SIZE);
    return at;
}

/* The part that the function's own code is, which is its only one of that kind. */
static size_t find_own_code(const struct forgery *f)
{
    for (size_t i = 0; i < f->tail.n_parts; i++)
        if (f->parts[i].kind == NW_REGION_OWN_CODE)
            return i;
    fail_msg("the function has no code");
    return 0;
}

/* Takes the page at `from` on out of a part, and gives it contents of the file. */
static void replace_page(struct forgery *f, size_t i, uint64_t from, const uint8_t *bytes)
{
    const struct nw_file_part whole = f->parts[i];
    const uint64_t to = from + NW_PAGE_SIZE;

    if (from > whole.start) {
        add_parts(f, i, 1);
        f->parts[i++].end = from;
    }
    if (to < whole.end) {
        add_parts(f, i, 1);
        f->parts[i + 1].start = to;
        f->parts[i + 1].offset = whole.offset + (to - whole.start);
    }
    f->parts[i] = whole;
    f->parts[i].start = from;
    f->parts[i].end = to;
    f->parts[i].source = NW_PART_DATA;
    f->parts[i].offset = add_page(f, bytes);
}

/* A page of the function's code comes from the contents, which nobody has scanned. */
static void run_code(char seen[NW_ATTACK_SEEN])
{
    struct forgery f;
    uint8_t page[NW_PAGE_SIZE];
    const uint64_t in_file = make_code(page);
    const struct nw_file_image *images;
    size_t i;

    open_forgery(&f);
    images = f.rest;
    i = find_own_code(&f);
    replace_page(&f, i, f.parts[i].start + in_file - images[f.parts[i].index].offset - f.parts[i].offset, page);
    use_file(close_forgery(&f, true), seen);
}

/* A page with the attacker's contents, at somebody else's address, behind all others or before them. */
static void forge_page_at(uint64_t at, char seen[NW_ATTACK_SEEN])
{
    static const uint8_t page[NW_PAGE_SIZE] = {1};
    struct forgery f;
    size_t i;

    open_forgery(&f);
    i = at < RANGE ? 0 : f.tail.n_parts;
    add_parts(&f, i, 1);
    f.parts[i] = (struct nw_file_part){.start = at,
                                       .end = at + NW_PAGE_SIZE,
                                       .offset = add_page(&f, page),
                                       .source = NW_PART_DATA,
                                       .prot = PROT_READ | PROT_WRITE,
                                       .kind = NW_REGION_ANON,
                                       .charged = 1};
    use_file(close_forgery(&f, true), seen);
}

static void run_neighbour(char seen[NW_ATTACK_SEEN])
{
    forge_page_at(nw_attack_where(NULL), seen);
}

/* The first writable page of the worker's program. */
static uint64_t monitor_page(void)
{
    char path[64], line[512], rights[5];
    unsigned long start = 0, end;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", nw_attack.harness.pid);
    maps = fopen(path, "re");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        if (strstr(line, "/nightward-worker") && sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3 &&
            rights[1] == 'w')
            break;
    fclose(maps);
    assert_int_not_equal(start, 0);
    return start;
}

static void run_monitor(char seen[NW_ATTACK_SEEN])
{
    forge_page_at(monitor_page(), seen);
}

static void run_range(char seen[NW_ATTACK_SEEN])
{
    struct forgery f;

    open_forgery(&f);
    f.tail.range = nw_attack_where(NULL) & -NW_PLACE_SIZE;
    use_file(close_forgery(&f, true), seen);
}

/* All contents are replaced when the worker has checked them. */
static void run_change(char seen[NW_ATTACK_SEEN])
{
    static const uint8_t zeros[NW_PAGE_SIZE];
    const uint64_t where = nw_attack_where(NULL);
    struct forgery f;
    uint32_t deployment;
    int file;

    open_forgery(&f);
    const uint64_t size = f.tail.contents;
    file = close_forgery(&f, false);
    deployment = load_forged(file);
    for (uint64_t at = 0; at < size; at += NW_PAGE_SIZE)
        assert_int_equal(pwrite(file, zeros, NW_PAGE_SIZE, (off_t)at), NW_PAGE_SIZE);
    use(deployment, where, seen);
    close(file);
}

static void run_truncation(char seen[NW_ATTACK_SEEN])
{
    const uint64_t where = nw_attack_where(NULL);
    struct forgery f;
    uint32_t deployment;
    int file;

    open_forgery(&f);
    file = close_forgery(&f, false);
    deployment = load_forged(file);
    assert_int_equal(ftruncate(file, 0), 0);
    use(deployment, where, seen);
    close(file);
}

#define DAMAGED "it is damaged: unchanged"
#define FOREIGN "it was taken on another machine*: unchanged"

const struct attack_turn attack_forgeries[] = {
    {38, "a snapshot whose code was not scanned", DAMAGED, "tables", "read 0x5e", run_code},
    {38, "a snapshot with a page of a neighbour", DAMAGED, "tables", "unchanged, neighbour torn down", run_neighbour},
    {38, "a snapshot with a page of the monitor", DAMAGED, NULL, "the check is that of a neighbour's page",
     run_monitor},
    {38, "a snapshot of a neighbour's range", FOREIGN, NULL, "the range is compared once more when it is mapped",
     run_range},
    {38, "a snapshot that changes when it is in use", DAMAGED, "seals", "torn down", run_change},
    {38, "a snapshot that is truncated when it is in use", DAMAGED, "seals", "torn down", run_truncation},
};

const size_t attack_forgeries_count = sizeof attack_forgeries / sizeof attack_forgeries[0];
