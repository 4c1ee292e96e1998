/*
 * The memory calls of a domain against the kernel: whatever a function maps, writes, moves, changes and unmaps, the
 * kernel never has more mappings in its range than the domain is charged for, and what it has is what the list says.
 */
#include "common/test/test.h"
#include "protect/gate/gate.h"
#include "worker/account/log_share.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/executor/blocked.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/image/image.h"
#include "worker/image/kept.h"
#include "worker/image/programs.h"
#include "worker/image/where.h"
#include "worker/memory/calls.h"
#include "worker/memory/code.h"
#include "worker/memory/memory.h"
#include "worker/memory/tag.h"
#include "worker/range/pages.h"
#include "worker/range/region.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES  64 /* of the range that is played in */
#define ROUNDS 20000
#define RANGE  (1ul << 30)
#define OPENED NW_AREAS_SIZE
#define MEMORY (1ul << 30)
#define RW     (PROT_READ | PROT_WRITE)
#define RX     (PROT_READ | PROT_EXEC)

static struct nw_disk disk;
static struct nw_account account;
static struct nw_memory memory;
static int file;
static uint64_t seed = 1;

/* What the calls need of the rest of the monitor. */
uint64_t nw_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

bool nw_may_log(struct nw_log_share *share, const char *name)
{
    (void)share;
    (void)name;
    return false;
}

uint64_t nw__log_share_lines(const struct nw_log_share *share)
{
    (void)share;
    return 0;
}

int nw_gate_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return 0;
}

/* How many mappings the kernel has in the domain's range. */
static size_t kernel_count(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned long start, end;
    char line[512];
    size_t count = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start < memory.end && end > memory.base)
            count++;
    fclose(maps);
    return count;
}

static void check(void)
{
    assert_true(nw_regions_is_valid(&memory.regions));
    assert_int_equal(nw_share_used(&account, NW_RESOURCE_MAPPINGS), memory.regions.count + NW_MONITOR_MAPPINGS);
    assert_in_range(kernel_count(), 1, nw_share_used(&account, NW_RESOURCE_MAPPINGS));
}

static int begin(void **state)
{
    char why[256];
    bool whole;
    uint64_t reserved = 0;

    (void)state;
    account.disk_used = &disk.used;
    nw_memory_init(&memory);
    nw_memory_reset(&memory, &account, &disk, MEMORY, -1);
    memory.tag = -1;
    assert_int_equal(nw_image_caches_make(NULL), 0);
    nw_pages_measure();
    assert_int_equal(nw_share_open(&account, MEMORY, why, sizeof(why)), 0);
    assert_int_equal(nw_pages_reserve(RANGE, OPENED, &reserved, &whole), 0);
    memory.base = reserved;
    memory.end = reserved + RANGE;
    assert_int_equal(nw_regions_init(&memory.regions, reserved + NW_PAGE_SIZE, memory.end - OPENED,
                                     NW_LIMIT_MAPPINGS - NW_MONITOR_MAPPINGS, whole),
                     0);
    assert_int_equal(nw_share_take(&account, NW_RESOURCE_MAPPINGS, 1 + NW_MONITOR_MAPPINGS), 0);
    file = memfd_create("mappings", MFD_CLOEXEC);
    return ftruncate(file, 2 * PAGES * NW_PAGE_SIZE);
}

static int end(void **state)
{
    (void)state;
    munmap((void *)memory.base, RANGE);
    nw_regions_fini(&memory.regions);
    nw_share_close(&account);
    free(memory.code.images);
    memory.code = (struct nw_held_code){.n = 0};
    nw_images_free(nw_image_cache(false));
    nw_images_free(nw_image_cache(true));
    close(file);
    return 0;
}

static uint64_t roll(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % below;
}

static uint64_t page(uint64_t n)
{
    return memory.base + RANGE / 2 + n * NW_PAGE_SIZE;
}

static long map_file(int fd, uint64_t at, uint64_t pages, int prot, int flags, uint64_t offset)
{
    const uint64_t length = pages * NW_PAGE_SIZE, from = offset * NW_PAGE_SIZE;
    const uint64_t args[6] = {at, length, (uint64_t)prot, (uint64_t)(MAP_PRIVATE | flags), 0, from};
    const struct nw_domain_fd mapped = {.fd = fd, .trust = fd != file, .host = seed % 2};
    struct nw_code_call code = {.may_build = true};

    return nw_memory_map(NULL, &memory, args, flags & MAP_ANONYMOUS ? NULL : &mapped, &code);
}

static long map(uint64_t at, uint64_t pages, int prot, int flags, uint64_t offset)
{
    return map_file(file, at, pages, prot, flags, offset);
}

static void write_some(uint64_t at, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++, at += NW_PAGE_SIZE)
        if (roll(2) && nw_regions_covers(&memory.regions, at, NW_PAGE_SIZE, RW))
            *(volatile char *)at = 1;
}

static void change_something(void)
{
    static const int prots[] = {PROT_NONE, PROT_READ, RW, RW};
    uint64_t first = roll(PAGES), count = 1 + roll(6);
    uint64_t remap[6] = {page(first), count * NW_PAGE_SIZE, (count + roll(20)) * NW_PAGE_SIZE, MREMAP_MAYMOVE};
    int prot = prots[roll(4)];

    switch (roll(8)) {
    case 0:
    case 1:
        map(page(first), count, prot, MAP_FIXED | MAP_ANONYMOUS, 0);
        break;
    case 2:
        map(page(first), count, prot, MAP_FIXED, roll(2) ? first : roll(PAGES));
        break;
    case 3:
        nw_memory_unmap(NULL, &memory, page(first), count * NW_PAGE_SIZE);
        break;
    case 4:
    case 5:
        nw_memory_protect(NULL, &memory, page(first), count * NW_PAGE_SIZE, (uint64_t)prot);
        break;
    case 6:
        nw_memory_remap(NULL, &memory, remap);
        break;
    default:
        write_some(page(first), count);
    }
}

static void the_kernel_never_has_more(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        change_something();
        check();
    }
    assert_int_equal(nw_memory_unmap(NULL, &memory, page(0), 2 * PAGES * NW_PAGE_SIZE), 0);
    check();
}

/* A function could try to have more mappings than it is charged for: by pages that are first written apart and then
 * joined. */
static void pages_written_apart(void **state)
{
    (void)state;
    assert_int_equal(map(page(0), PAGES, PROT_NONE, MAP_FIXED | MAP_ANONYMOUS, 0), page(0));
    for (uint64_t i = 0; i < PAGES; i += 2) {
        nw_memory_protect(NULL, &memory, page(i), NW_PAGE_SIZE, RW);
        *(volatile char *)page(i) = 1;
    }
    check();
    nw_memory_protect(NULL, &memory, page(0), PAGES * NW_PAGE_SIZE, RW);
    check();
    assert_int_equal(memory.regions.count, 3);
    nw_memory_unmap(NULL, &memory, page(0), PAGES * NW_PAGE_SIZE);
}

/* ... and by memory in holes that files have left, where the kernel has no anon_vma yet. */
static void memory_in_holes_of_files(void **state)
{
    (void)state;
    assert_int_equal(map(page(0), PAGES, PROT_READ, MAP_FIXED, 0), page(0));
    for (int odd = 0; odd < 2; odd++)
        for (uint64_t i = (uint64_t)odd; i < PAGES; i += 2) {
            nw_memory_unmap(NULL, &memory, page(i), NW_PAGE_SIZE);
            map(page(i), 1, RW, MAP_FIXED | MAP_ANONYMOUS, 0);
            *(volatile char *)page(i) = 1;
            check();
        }
    assert_true(kernel_count() > PAGES / 2);
    nw_memory_unmap(NULL, &memory, page(0), PAGES * NW_PAGE_SIZE);
    check();
}

/* One page of a file many times, as an attack did with 65,318 of them. */
static void a_page_of_a_file_many_times(void **state)
{
    uint64_t made = 0, base = page(0);

    (void)state;
    assert_int_equal(map(base, 4096, PROT_NONE, MAP_FIXED | MAP_ANONYMOUS, 0), base);
    while (made < 4096 && map(base + made * NW_PAGE_SIZE, 1, PROT_READ, MAP_FIXED, 0) >= 0)
        made++;
    assert_in_range(made, NW_LIMIT_MAPPINGS / 2, NW_LIMIT_MAPPINGS);
    check();
    nw_memory_unmap(NULL, &memory, base, 4096 * NW_PAGE_SIZE);
    check();
}

/* Memory is zero when it is mapped again, and moves with what is in it. */
static void contents(void **state)
{
    uint64_t remap[6] = {page(0), 8ul << 20, 16ul << 20, MREMAP_MAYMOVE};
    volatile char *at;
    long moved;

    (void)state;
    assert_int_equal(map(page(0), 2048, RW, MAP_FIXED | MAP_ANONYMOUS, 0), page(0));
    assert_int_equal(map(page(2048), 1, PROT_NONE, MAP_FIXED | MAP_ANONYMOUS, 0), page(2048));
    at = (volatile char *)page(0);
    for (size_t i = 0; i < 2048; i++)
        at[i * NW_PAGE_SIZE] = (char)i;
    moved = nw_memory_remap(NULL, &memory, remap);
    assert_true(moved > 0 && moved != (long)page(0));
    check();
    assert_null(nw_regions_find(&memory.regions, page(0)));
    at = (volatile char *)moved;
    for (size_t i = 0; i < 2048; i++)
        assert_int_equal(at[i * NW_PAGE_SIZE], (char)i);
    assert_int_equal(at[2048 * NW_PAGE_SIZE], 0);
    assert_int_equal(nw_memory_unmap(NULL, &memory, (uint64_t)moved, 16ul << 20), 0);
    assert_int_equal(map((uint64_t)moved, 2048, RW, MAP_FIXED | MAP_ANONYMOUS, 0), moved);
    for (size_t i = 0; i < 2048; i++)
        assert_int_equal(at[i * NW_PAGE_SIZE], 0);
    nw_memory_unmap(NULL, &memory, (uint64_t)moved, 16ul << 20);
    nw_memory_unmap(NULL, &memory, page(2048), NW_PAGE_SIZE);
    check();
}

/* Of the host's libc one copy is made, whatever parts of it are mapped. */
static void parts_of_the_libc(void **state)
{
    int libc = open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY | O_CLOEXEC);
    uint64_t pages = (uint64_t)lseek(libc, 0, SEEK_END) / NW_PAGE_SIZE;
    struct nw_images_stats stats;

    (void)state;
    assert_true(libc >= 0);
    for (uint64_t i = 0; i < 100; i++)
        assert_true(map_file(libc, 0, pages / 2 + i % 7, RX, 0, i) > 0);
    nw_images_stats(nw_image_cache(true), &stats);
    assert_int_equal(stats.images, 1);
    assert_int_equal(stats.misses, 2); /* looked for, then built */
    assert_int_equal(memory.code.bytes, 0);
    check();
    close(libc);
}

/* An image counts whole until nothing of it is mapped, and a part of a file that is mapped again is the same one. */
static void images_are_charged_whole(void **state)
{
    const uint64_t size = 16 * NW_PAGE_SIZE;
    long at, again;

    (void)state;
    close(file);
    file = open("/lib/x86_64-linux-gnu/libm.so.6", O_RDONLY | O_CLOEXEC); /* one that has not changed lately */
    at = map(0, 16, RX, 0, 4);
    again = map(0, 16, RX, 0, 4);
    assert_true(at > 0 && again > 0);
    assert_int_equal(memory.code.bytes, size);
    assert_int_equal(nw_share_used(&account, NW_RESOURCE_IMAGE_BYTES), size);
    nw_memory_unmap(NULL, &memory, (uint64_t)at, size);
    nw_memory_unmap(NULL, &memory, (uint64_t)again + NW_PAGE_SIZE, size - NW_PAGE_SIZE);
    memory.limit = size + NW_PAGE_SIZE;
    assert_int_equal(map(0, 16, RX, 0, 8), -ENOMEM);
    nw_memory_unmap(NULL, &memory, (uint64_t)again, NW_PAGE_SIZE);
    assert_true(map(0, 16, RX, 0, 8) > 0);
    assert_int_equal(memory.code.bytes, size);
    assert_int_equal(nw_share_used(&account, NW_RESOURCE_IMAGE_BYTES), size);
    memory.limit = MEMORY;
    check();
}

/* What is kept for a snapshot is charged as if it were mapped, until none comes of it. */
static void kept_images_stay_charged(void **state)
{
    const uint64_t size = 16 * NW_PAGE_SIZE;
    struct nw_kept *kept;
    long at;

    (void)state;
    close(file);
    file = open("/lib/x86_64-linux-gnu/libm.so.6", O_RDONLY | O_CLOEXEC);
    assert_int_equal(nw_memory_keep(&memory), 0);
    at = map(0, 16, RX, 0, 4);
    assert_true(at > 0);
    nw_memory_unmap(NULL, &memory, (uint64_t)at, size);
    memory.limit = size + NW_PAGE_SIZE;
    assert_int_equal(map(0, 16, RX, 0, 8), -ENOMEM);
    assert_int_equal(memory.code.bytes, size);
    kept = nw_memory_keep_no_more(&memory);
    assert_int_equal(kept->n_images, 1);
    nw_kept_free(kept);
    assert_true(map(0, 16, RX, 0, 8) > 0);
    assert_null(memory.code.kept);
    assert_int_equal(memory.code.bytes, size);
    memory.limit = MEMORY;
    check();
}

/* A loader maps the beginning of a library with room for the rest, which may be longer than its file. */
static void room_behind_the_end_of_a_file(void **state)
{
    int libm = open("/lib/x86_64-linux-gnu/libm.so.6", O_RDONLY | O_CLOEXEC);
    uint64_t pages = nw_page_up((uint64_t)lseek(libm, 0, SEEK_END)) / NW_PAGE_SIZE, tail;
    long at;

    (void)state;
    assert_true(libm >= 0);
    assert_int_equal(map(page(0), 2 * pages, PROT_NONE, MAP_FIXED | MAP_ANONYMOUS, 0), page(0));
    assert_int_equal(nw_memory_unmap(NULL, &memory, page(0), (pages + 1) * NW_PAGE_SIZE), 0);
    at = map_file(libm, page(0), pages + 10, RX, 0, 0); /* there is room for the file, but not for all that */
    assert_true(at > 0 && at != (long)page(0));
    tail = (uint64_t)at + pages * NW_PAGE_SIZE;
    assert_true(nw_regions_covers(&memory.regions, tail, 10 * NW_PAGE_SIZE, PROT_NONE));
    assert_false(nw_regions_covers(&memory.regions, tail, NW_PAGE_SIZE, PROT_READ));
    assert_true(map(tail, 1, RW, MAP_ANONYMOUS, 0) != (long)tail); /* a hint that cannot be followed */
    check();
    assert_int_equal(map(page(0), pages + 10, RW, MAP_FIXED | MAP_ANONYMOUS, 0), page(0));
    *(volatile char *)page(pages + 9) = 1;
    assert_int_equal(map_file(libm, page(0), pages + 10, RX, MAP_FIXED, 0), page(0));
    assert_false(nw_regions_covers(&memory.regions, page(pages + 9), NW_PAGE_SIZE, PROT_READ));
    check();
    assert_int_equal(map_file(libm, 0, RANGE / NW_PAGE_SIZE, RX, 0, 0), -ENOMEM);
    check();
    close(libm);
}

/* What nobody could access goes without a system call; what somebody wrote does not come back. */
static void what_was_written_is_gone(void **state)
{
    const uint64_t args[6] = {0, 2 * NW_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0};
    struct nw_code_call code = {0};
    long at = nw_memory_map(NULL, &memory, args, NULL, &code);
    const uint64_t again[6] = {
        (uint64_t)at, 2 * NW_PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0, 0};

    (void)state;
    assert_true(at > 0);
    *(volatile char *)at = 1;
    assert_int_equal(nw_memory_protect(NULL, &memory, (uint64_t)at, 2 * NW_PAGE_SIZE, PROT_NONE), 0);
    assert_int_equal(nw_memory_unmap(NULL, &memory, (uint64_t)at, 2 * NW_PAGE_SIZE), 0);
    assert_int_equal(nw_memory_map(NULL, &memory, again, NULL, &code), at);
    assert_int_equal(*(volatile char *)at, 0);
    check();
}

/* What is refused because it reaches into the areas empties nothing there first. */
static void the_areas_keep_what_they_hold(void **state)
{
    const uint64_t length = 2 * NW_PAGES_FEW;
    volatile char *held = (volatile char *)nw_memory_areas(memory.end);

    (void)state;
    *held = 1;
    assert_true(map(memory.end - length, length / NW_PAGE_SIZE, RW, MAP_FIXED | MAP_ANONYMOUS, 0) < 0);
    assert_int_equal(*held, 1);
}

/* ---- keys ---- */

static int believed_key(uint64_t at)
{
    const struct nw_region *r = nw_regions_find(&memory.regions, at);

    if (at >= memory.end - OPENED)
        return memory.tag;
    return !r || r->prot == PROT_NONE ? 0 : nw_region_is_public(r, r->prot) ? NW_KEY_SHARED : memory.tag;
}

static uint64_t next_region(uint64_t at)
{
    const struct nw_region *r = nw_regions_at(&memory.regions, at);

    return r ? r->end : at + NW_PAGE_SIZE;
}

/* The kernel's key of each mapping in the range is the one that the list says. */
static void check_keys(void)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    unsigned long start = 0, end = 0, from, to;
    char line[512];
    int key;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            start = from;
            end = to;
        }
        if (sscanf(line, "ProtectionKey: %d", &key) != 1 || start >= memory.end || end <= memory.base)
            continue;
        for (uint64_t at = start; at < end && at < memory.end; at = next_region(at))
            if (believed_key(at) != key)
                fail_msg("%#lx is in key %d, not in %d", (unsigned long)at, key, believed_key(at));
    }
    fclose(maps);
}

/* Two of which a domain may have either. */
static const int *keys_of_this_test(void)
{
    static int keys[2];

    if (!keys[0] &&
        (pkey_alloc(0, 0) != NW_KEY_SHARED || (keys[0] = pkey_alloc(0, 0)) < 0 || (keys[1] = pkey_alloc(0, 0)) < 0)) {
        print_message("this machine has no protection keys\n");
        skip();
    }
    return keys;
}

static void keys_are_what_the_list_says(void **state)
{
    const int *keys = keys_of_this_test();

    (void)state;
    assert_int_equal(nw_memory_tag(&memory, keys[0]), 0);
    check_keys();
    for (int i = 0; i < 2000; i++) {
        change_something();
        if (roll(4) == 0)
            assert_int_equal(nw_memory_tag(&memory, keys[roll(2)]), 0);
        if (i % 4 == 0)
            check_keys();
    }
    assert_int_equal(nw_memory_unmap(NULL, &memory, page(0), 2 * PAGES * NW_PAGE_SIZE), 0);
    check_keys();
}

/* The kernel changes mappings one after the other, and fails at a hole that the list does not know of. */
static void make_hole(uint64_t at)
{
    assert_int_equal(munmap((void *)at, NW_PAGE_SIZE), 0);
}

static void fill_hole(uint64_t at)
{
    assert_int_equal(nw_pages_reserve_again(at, NW_PAGE_SIZE), 0);
}

static void what_fails_part_way_keeps_no_key(void **state)
{
    const int *keys = keys_of_this_test();
    const uint64_t size = 3 * NW_PAGE_SIZE;

    (void)state;
    seed = 1; /* a file of the host */
    assert_int_equal(nw_memory_tag(&memory, keys[0]), 0);
    assert_int_equal(map(page(0), 3, PROT_READ, MAP_FIXED, 0), page(0));
    assert_int_equal(map(page(8), 3, PROT_NONE, MAP_FIXED | MAP_ANONYMOUS, 0), page(8));
    for (uint64_t i = 1; i < 18; i += 8)
        make_hole(page(i));
    assert_int_equal(nw_memory_protect(NULL, &memory, page(0), size, RW), -ENOMEM);
    assert_int_equal(nw_memory_protect(NULL, &memory, page(8), size, RW), -ENOMEM);
    assert_int_equal(map(page(16), 3, RW, MAP_FIXED | MAP_ANONYMOUS, 0), -ENOMEM);
    for (uint64_t i = 1; i < 18; i += 8)
        fill_hole(page(i));
    assert_int_equal(nw_memory_tag(&memory, keys[1]), 0);
    check_keys();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_kernel_never_has_more),
        TEST(pages_written_apart),
        TEST(memory_in_holes_of_files),
        TEST(a_page_of_a_file_many_times),
        TEST(contents),
        TEST(parts_of_the_libc),
        TEST(images_are_charged_whole),
        TEST(kept_images_stay_charged),
        TEST(room_behind_the_end_of_a_file),
        TEST(keys_are_what_the_list_says),
        TEST(what_fails_part_way_keeps_no_key),
        TEST(what_was_written_is_gone),
        TEST(the_areas_keep_what_they_hold),
    };
    return cmocka_run_group_tests_name("worker/mappings", tests, NULL, NULL);
}
