/* Tests of the ranges that are locked: random changes beside a model that knows every place, and beside the kernel. */
#include "common/test/test.h"
#include "worker/files/ranges.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES 48
#define ROUNDS 20000

static unsigned next(unsigned *state, unsigned below)
{
    *state = *state * 1103515245u + 12345u;
    return (*state >> 8) % below;
}

static size_t count(const short places[PLACES])
{
    size_t n = 0;

    for (int i = 0; i < PLACES; i++)
        n += places[i] != F_UNLCK && (i == 0 || places[i - 1] != places[i]);
    return n;
}

static void expect(const struct nw_ranges *ranges, const short places[PLACES])
{
    size_t n = 0;

    for (int i = 0; i < PLACES; i++) {
        if (places[i] == F_UNLCK || (i > 0 && places[i - 1] == places[i]))
            continue;
        assert_int_equal(ranges->list[n].start, i);
        assert_int_equal(ranges->list[n].type, places[i]);
        while (i + 1 < PLACES && places[i + 1] == places[i])
            i++;
        assert_int_equal(ranges->list[n++].last, i);
    }
    assert_int_equal(ranges->n, n);
}

static void agrees_with_a_model(void **state)
{
    static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
    struct nw_ranges ranges = {0};
    short places[PLACES];
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < PLACES; i++)
        places[i] = F_UNLCK;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned start = next(&seed, PLACES), last = start + next(&seed, PLACES - start);
        struct nw_range set = {start, last, types[next(&seed, 3)]};

        for (unsigned i = start; i <= last; i++)
            places[i] = set.type;
        assert_int_equal(nw__ranges_after(&ranges, &set), count(places));
        assert_int_equal(nw__ranges_reserve(&ranges), 0);
        nw__ranges_set(&ranges, &set);
        expect(&ranges, places);
    }
    nw__ranges_fini(&ranges);
}

/* How many records the kernel has for a file of ours. */
static size_t count_kernel(unsigned long inode)
{
    FILE *locks = fopen("/proc/locks", "re");
    char line[256];
    size_t n = 0;

    assert_non_null(locks);
    while (fgets(line, sizeof(line), locks)) {
        unsigned long of;

        n += sscanf(line, "%*s OFDLCK %*s %*s %*s %*x:%*x:%lu", &of) == 1 && of == inode;
    }
    fclose(locks);
    return n;
}

static void knows_how_many_the_kernel_has(void **state)
{
    static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
    struct nw_ranges ranges = {0};
    int fd = memfd_create("locks", MFD_CLOEXEC);
    struct stat st;
    unsigned seed = 7;

    (void)state;
    assert_int_equal(fstat(fd, &st), 0);
    for (int round = 0; round < 300; round++) {
        unsigned start = next(&seed, PLACES), last = start + next(&seed, 6);
        struct nw_range set = {start, last, types[next(&seed, 3)]};
        struct flock lock = {
            .l_type = set.type, .l_whence = SEEK_SET, .l_start = (off_t)start, .l_len = (off_t)(last - start + 1)};

        if (round % 50 == 0) {
            set.last = INT64_MAX;
            lock.l_len = 0;
        }
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
        assert_int_equal(nw__ranges_reserve(&ranges), 0);
        nw__ranges_set(&ranges, &set);
        assert_int_equal(ranges.n, count_kernel(st.st_ino));
    }
    nw__ranges_fini(&ranges);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_model),
        cmocka_unit_test(knows_how_many_the_kernel_has),
    };

    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
