/* Tests of the walk over the process's own code: every offset, every seam, and what makes it impossible. */
#include "protect/scan/self_scan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096
#define MAX  8192

#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

static const uint8_t wrpkru[] = {0x0f, 0x01, 0xef};

/* The longest of all: F3, eleven prefixes, 0F AE and ModRM. */
static const uint8_t wrgsbase[] = {0xf3, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                   0x66, 0x66, 0x66, 0x41, 0x0f, 0xae, 0xdf};

static struct nw_scan_hit hits[MAX];

/* Four pages of NOPs: not executable, anonymous, a memfd, anonymous; so that neighbours stay mappings of their own. */
static uint8_t *map_pages(void)
{
    int fd = memfd_create("code", MFD_CLOEXEC);

    assert_int_equal(ftruncate(fd, PAGE), 0);
    uint8_t *pages = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_true(mmap(pages + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED);
    close(fd);
    memset(pages, 0x90, 4 * PAGE);
    return pages;
}

static void protect_pages(uint8_t *pages, int prot)
{
    assert_int_equal(mprotect(pages + PAGE, 3 * PAGE, prot), 0);
}

/* Looks, and tells how many hits begin in the four pages; the first of them in *first. */
static size_t hits_in(const uint8_t *pages, const struct nw_scan_hit **first)
{
    ssize_t all = nw_self_scan(hits, MAX);
    size_t n = 0;

    assert_in_range(all, 0, MAX);
    for (ssize_t i = all - 1; i >= 0; i--) {
        assert_true(i == 0 || hits[i - 1].offset < hits[i].offset);
        if (hits[i].offset < (uintptr_t)pages || hits[i].offset >= (uintptr_t)pages + 4 * PAGE)
            continue;
        *first = &hits[i];
        n++;
    }
    return n;
}

/* One after the other from each of three phases: together they begin at every offset of the three pages. */
static void test_every_offset(void **state)
{
    uint8_t *pages = map_pages();
    const struct nw_scan_hit *first;
    (void)state;

    for (size_t phase = 0; phase < 3; phase++) {
        size_t planted = 0;
        protect_pages(pages, RW);
        memset(pages + PAGE, 0x90, 3 * PAGE);
        for (size_t at = PAGE + phase; at + 3 <= 4 * PAGE; at += 3, planted++)
            memcpy(pages + at, wrpkru, 3);
        protect_pages(pages, RX);
        assert_int_equal(hits_in(pages, &first), planted);
        for (size_t i = 0; i < planted; i++) {
            assert_int_equal(first[i].offset, (uintptr_t)pages + PAGE + phase + 3 * i);
            assert_int_equal(first[i].length, 3);
            assert_int_equal(first[i].kind, NW_SCAN_WRPKRU);
        }
    }
    munmap(pages, 4 * PAGE);
}

static void across(uint8_t *pages, size_t seam, const uint8_t *bytes, size_t length)
{
    const struct nw_scan_hit *first;

    for (size_t head = 0; head <= length; head++) {
        protect_pages(pages, RW);
        memset(pages + PAGE, 0x90, 3 * PAGE);
        memcpy(pages + seam - head, bytes, length);
        protect_pages(pages, RX);
        assert_int_equal(hits_in(pages, &first), 1);
        assert_int_equal(first->offset, (uintptr_t)pages + seam - head);
        assert_int_equal(first->length, length);
    }
}

static void test_across_adjoining_mappings(void **state)
{
    uint8_t *pages = map_pages();
    (void)state;

    for (size_t seam = 2 * PAGE; seam <= 3 * PAGE; seam += PAGE) {
        across(pages, seam, wrpkru, sizeof wrpkru);
        across(pages, seam, wrgsbase, sizeof wrgsbase);
    }
    munmap(pages, 4 * PAGE);
}

/* Only what is executable counts, and it counts from the moment on when it is. */
static void test_mprotect_joins_two_halves(void **state)
{
    uint8_t *pages = map_pages();
    const struct nw_scan_hit *first;
    (void)state;

    memcpy(pages + PAGE - 1, wrpkru, 3);
    memcpy(pages + 2 * PAGE - 2, wrpkru, 3);
    protect_pages(pages, RX);
    assert_int_equal(hits_in(pages, &first), 1);
    assert_int_equal(first->offset, (uintptr_t)pages + 2 * PAGE - 2);
    assert_int_equal(mprotect(pages + 2 * PAGE, PAGE, PROT_READ), 0);
    assert_int_equal(hits_in(pages, &first), 0);
    assert_int_equal(mprotect(pages, PAGE, RX), 0);
    assert_int_equal(hits_in(pages, &first), 1);
    assert_int_equal(first->offset, (uintptr_t)pages + PAGE - 1);
    munmap(pages, 4 * PAGE);
}

static void test_more_hits_than_room(void **state)
{
    uint8_t *pages = map_pages();
    (void)state;

    ssize_t before = nw_self_scan(NULL, 0);
    assert_true(before >= 0);
    for (size_t at = PAGE; at < 4 * PAGE; at += 64)
        memcpy(pages + at, wrpkru, 3);
    protect_pages(pages, RX);
    memset(hits, 0, sizeof hits);
    assert_int_equal(nw_self_scan(hits, 5), before + 3 * PAGE / 64);
    assert_int_not_equal(hits[4].offset, 0);
    assert_int_equal(hits[5].offset, 0);
    munmap(pages, 4 * PAGE);
}

static void test_unreadable_code_is_an_error(void **state)
{
    uint8_t *pages = map_pages();
    (void)state;

    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_EXEC), 0);
    assert_int_equal(nw_self_scan(hits, MAX), -EACCES);
    munmap(pages, 4 * PAGE);
    assert_true(nw_self_scan(hits, MAX) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_offset),
        cmocka_unit_test(test_across_adjoining_mappings),
        cmocka_unit_test(test_mprotect_joins_two_halves),
        cmocka_unit_test(test_more_hits_than_room),
        cmocka_unit_test(test_unreadable_code_is_an_error),
    };
    return cmocka_run_group_tests_name("protect/self_scan", tests, NULL, NULL);
}
