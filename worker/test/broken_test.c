/* Structures of the worker's lower layers that are whole, and the same with one thing broken: their checks find each.
 */
#include "common/test/broken.h"
#include "worker/account/share.h"
#include "worker/files/closing.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/files/opened.h"
#include "worker/files/ranges.h"
#include "worker/files/watches.h"
#include "worker/memory/memory.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT (1ul << 20)
#define PAGE  4096ul
#define MANY  5000ul

static struct nw_account account;
static struct nw_disk disk;
static struct nw_files files;
static const struct nw_directory directory = {.path = "/granted", .length = 8, .fd = -1, .writable = true};

static int begin(void **state)
{
    char why[256];

    (void)state;
    account = (struct nw_account){.name = "broken", .disk_used = &disk.used};
    assert_int_equal(nw_share_open(&account, LIMIT, why, sizeof(why)), 0);
    nw_disk_init(&disk, LIMIT);
    nw_files_init(&files);
    nw_files_open(&files, &account, &disk);
    return 0;
}

static int end(void **state)
{
    (void)state;
    nw_fd_close_all(&files);
    nw_disk_fini(&disk);
    nw_share_close(&account);
    return 0;
}

/* A number of the domain for a file of this length in a granted directory. */
static uint64_t open_file(off_t length)
{
    struct nw_domain_fd file = {.fd = memfd_create("broken", MFD_CLOEXEC), .granted = &directory};
    long number;

    assert_true(file.fd >= 0);
    assert_int_equal(ftruncate(file.fd, length), 0);
    file.opened = nw_opened_new(&files, &file);
    assert_non_null(file.opened);
    number = nw_fd_add(&files, file, 0);
    assert_true(number >= 0);
    return (uint64_t)number;
}

static void ranges_of_a_file(void **state)
{
    const struct nw_range set[] = {{0, 9, F_RDLCK}, {20, 29, F_RDLCK}, {30, 39, F_WRLCK}};
    struct nw_ranges ranges = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(nw__ranges_reserve(&ranges), 0);
        nw__ranges_set(&ranges, &set[i]);
    }
    FOUND(nw_ranges, &ranges, ranges.list[0].last, 19);  /* the next continues it: they should be one */
    FOUND(nw_ranges, &ranges, ranges.list[1].last, 30);  /* overlaps it */
    FOUND(nw_ranges, &ranges, ranges.list[1].start, 40); /* ends before it begins, and out of order */
    FOUND(nw_ranges, &ranges, ranges.list[2].type, F_UNLCK);
    FOUND(nw_ranges, &ranges, ranges.n, ranges.room + 1);
    nw__ranges_fini(&ranges);
}

static void the_account_of_a_domain(void **state)
{
    const enum nw_resource r = NW_RESOURCE_DESCRIPTORS;

    (void)state;
    assert_int_equal(nw_share_take(&account, r, 2), 0);
    FOUND(nw_account, &account, account.used[r], account.limit[r] + 1);
    FOUND(nw_account, &account, account.open, false);
    nw_share_give(&account, r, 2);
}

static void what_fills_a_disk(void **state)
{
    uint64_t number = open_file(3 * (off_t)NW_DISK_BLOCK);
    struct nw_domain_fd *entry = &files.fds[number];
    struct nw_disk_file *file = entry->opened->disk;

    (void)state;
    assert_int_equal(nw_disk_write(&disk, file, entry->fd, 4 * NW_DISK_BLOCK, false), 0);
    assert_int_not_equal(file->charged, 0);
    FOUND(nw_disk, &disk, disk.used, file->charged - 1);
    FOUND(nw_disk, &disk, disk.n, 0);
    FOUND(nw_disk, &disk, file->charged, file->charged - NW_DISK_BLOCK);
    FOUND(nw_disk, &disk, file->users, 0);
    nw_disk_wrote(&disk, file, entry->fd);
    nw_fd_close(&files, number);
}

static void the_files_of_a_domain(void **state)
{
    uint64_t number = open_file(0);
    struct nw_domain_fd *entry = &files.fds[number];
    struct nw_domain_fd event = {.fd = eventfd(0, EFD_CLOEXEC)},
                        poll = {.fd = epoll_create1(EPOLL_CLOEXEC), .epoll = true};
    long watched = nw_fd_add(&files, event, 0), epoll = nw_fd_add(&files, poll, 0);

    (void)state;
    assert_true(watched >= 0 && epoll >= 0);
    assert_int_equal(nw_watch_change(&files, (uint64_t)epoll, EPOLL_CTL_ADD, (uint64_t)watched,
                                     (struct epoll_event){.events = EPOLLIN}),
                     0);
    FOUND(nw_files, &files, entry->closed, true); /* it is closed and nobody uses it, so there should be no entry */
    FOUND(nw_files, &files, entry->opened->users, 0);
    FOUND(nw_files, &files, files.fds[NW_DOMAIN_FDS - 1].users, 1);
    FOUND(nw_files, &files, files.fds[epoll].epoll, false);
    FOUND(nw_files, &files, files.fds[watched].closed, true);
    FOUND(nw_files, &files, files.watched_by[number][0], 1); /* by standard input, which is not open */
    FOUND(nw_opened, entry->opened, entry->opened->users, 0);
    FOUND(nw_opened, entry->opened, entry->opened->disk->users, 0);
}

static void files_that_are_memory(void **state)
{
    uint64_t number = open_file((off_t)PAGE);
    struct nw_disk_file *file = files.fds[number].opened->disk;
    struct nw_memory memory = {.disk = &disk};

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nw__file_maps_reserve(&memory.file_maps), 0);
        nw_regions_new_origin(&memory.regions, true, false);
        nw__file_maps_add(&memory, file);
    }
    FOUND(nw_file_maps, &memory.file_maps, memory.file_maps.list[1].origin, memory.file_maps.list[0].origin);
    FOUND(nw_file_maps, &memory.file_maps, memory.file_maps.list[0].file, NULL);
    FOUND(nw_file_maps, &memory.file_maps, memory.file_maps.list[1].file->users, 0);
    FOUND(nw_file_maps, &memory.file_maps, memory.file_maps.room, 1);
    nw__file_maps_fini(&memory);
}

static void mappings_of_a_range(void **state)
{
    struct nw_regions regions;

    (void)state;
    assert_int_equal(nw_regions_init(&regions, PAGE, 100 * PAGE, 8, true), 0);
    assert_int_equal(nw_regions_add(&regions, 10 * PAGE, PAGE, PROT_READ | PROT_WRITE, NW_REGION_ANON, NULL), 0);
    FOUND(nw_regions, &regions, regions.charged, 0);
    FOUND(nw_regions, &regions, regions.regions[1].start, 11 * PAGE);
    FOUND(nw_regions, &regions, regions.regions[1].prot, PROT_WRITE | PROT_EXEC);
    FOUND(nw_regions, &regions, regions.regions[1].kind, NW_REGION_GAP);
    FOUND(nw_regions, &regions, regions.regions[2].prot, PROT_READ);
    FOUND(nw_regions, &regions, regions.regions[2].end, 99 * PAGE);
    FOUND(nw_regions, &regions, regions.max, 2);
    FOUND(nw_regions, &regions, regions.regions[0].origin.id, 99);
    FOUND(nw_regions, &regions, regions.regions[2].start, 12 * PAGE); /* a hole */
    nw_regions_fini(&regions);
}

/* Faults that show only when several fields change together. */
static void mappings_that_agree(void **state)
{
    static struct nw_region r[4];
    struct nw_regions whole, broken;

    (void)state;
    assert_int_equal(nw_regions_init(&whole, PAGE, 100 * PAGE, 8, true), 0);
    assert_int_equal(nw_regions_add(&whole, 10 * PAGE, PAGE, PROT_READ | PROT_WRITE, NW_REGION_ANON, NULL), 0);
    for (int i = 0; i < 6; i++) {
        broken = whole;
        broken.regions = memcpy(r, whole.regions, 3 * sizeof(*r));
        assert_true(nw_regions_is_valid(&broken));
        if (i == 0) /* no whole page */
            r[0].end++, r[1].start++, broken.charged--;
        else if (i == 1) /* empty */
            r[1].end = r[2].start = r[1].start, broken.charged = 0;
        else if (i == 2) /* what is not mapped is charged */
            r[2].charged = true, broken.charged += r[2].end - r[2].start;
        else if (i == 3) /* what is mapped is not */
            r[1].charged = false, broken.charged = 0;
        else if (i == 4) /* one gap as two */
            r[3] = r[2], r[2].end = r[3].start = 50 * PAGE, broken.count++;
        else /* less than all of the range */
            r[2].end -= PAGE;
        assert_false(nw_regions_is_valid(&broken));
    }
    nw_regions_fini(&whole);
}

/* Lists of them also come from files: none is too long to be looked at whole. */
static void very_many_mappings(void **state)
{
    struct nw_regions regions;

    (void)state;
    assert_int_equal(nw_regions_init(&regions, PAGE, (2 * MANY + 2) * PAGE, 2 * MANY + 2, true), 0);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(
            nw_regions_add(&regions, (2 * i + 2) * PAGE, PAGE, PROT_READ | PROT_WRITE, NW_REGION_ANON, NULL), 0);
    assert_true(regions.count > MANY);
    FOUND(nw_regions, &regions, regions.regions[regions.count - 2].prot, PROT_WRITE | PROT_EXEC);
    nw_regions_fini(&regions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_of_a_file),      cmocka_unit_test(the_account_of_a_domain),
        cmocka_unit_test(what_fills_a_disk),     cmocka_unit_test(the_files_of_a_domain),
        cmocka_unit_test(files_that_are_memory), cmocka_unit_test(mappings_of_a_range),
        cmocka_unit_test(very_many_mappings),    cmocka_unit_test(mappings_that_agree),
    };

    return cmocka_run_group_tests_name("broken structures", tests, begin, end);
}
