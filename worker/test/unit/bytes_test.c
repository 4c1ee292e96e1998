/* worker/base/bytes.c against loops of single bytes, for every length that takes another way, at the end of readable
 * memory.
 */
#include "common/test/test.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LONGEST 1100
#define PAGE    4096
#define ROOM    (2 * PAGE)

static uint8_t *end; /* of ROOM bytes, behind which nothing may be read */

static int start(void **state)
{
    uint8_t *at = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    end = at + ROOM;
    return at == MAP_FAILED || mprotect(end, PAGE, PROT_NONE);
}

static void fill(void)
{
    for (int i = 0; i < ROOM; i++)
        end[i - ROOM] = (uint8_t)(i * 7 + i / 251);
}

/* Moves `n` bytes by `by`, with a function and by hand, and compares all of memory. */
static void check_move(void *(*move)(void *, const void *, size_t), size_t n, long by)
{
    static uint8_t wanted[ROOM], source[LONGEST];
    uint8_t *from = end - n - (by > 0 ? by : 0);

    fill();
    memcpy(wanted, end - ROOM, ROOM);
    for (size_t i = 0; i < n; i++)
        source[i] = from[i];
    for (size_t i = 0; i < n; i++)
        wanted[from + by - (end - ROOM) + (long)i] = source[i];
    assert_ptr_equal(move(from + by, from, n), from + by);
    for (int i = 0; i < ROOM; i++)
        if (end[i - ROOM] != wanted[i])
            fail_msg("%zu bytes by %ld: byte %d differs", n, by, i);
}

static void copies_and_moves(void **state)
{
    static const long distances[] = {-1500, -70, -17, -1, 0, 1, 15, 33, 500};

    (void)state;
    for (size_t n = 0; n <= LONGEST; n += n < 140 ? 1 : 37) {
        check_move(memcpy, n, -2000);
        for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++)
            check_move(memmove, n, distances[i]);
    }
}

static void sets_and_compares(void **state)
{
    static uint8_t other[LONGEST];

    (void)state;
    for (size_t n = 0; n <= LONGEST; n += n < 140 ? 1 : 37) {
        fill();
        uint8_t before = end[-(long)n - 1];

        assert_ptr_equal(memset(end - n, 0xa7, n), end - n);
        assert_int_equal(end[-(long)n - 1], before);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(end[(long)i - (long)n], other[i] = 0xa7);
        assert_int_equal(memcmp(end - n, other, n), 0);
        assert_null(memchr(end - n, 0x11, n));
        for (size_t i = 0; i < n; i += 1 + n / 5) {
            other[i] = 0x11;
            assert_true(memcmp(end - n, other, n) > 0 && memcmp(other, end - n, n) < 0);
            assert_ptr_equal(memchr(other, 0x11, n), other + i);
            other[i] = 0xa7;
        }
    }
}

static char *text_at_end(const char *text, size_t length)
{
    char *at = (char *)end - length - 1;

    for (size_t i = 0; i <= length; i++)
        at[i] = text[i];
    return at;
}

static void finds_in_texts(void **state)
{
    char text[100] = "";

    (void)state;
    for (size_t n = 0; n < 90; n++) {
        const char *at = text_at_end(text, n);

        assert_int_equal(strlen(at), n);
        assert_int_equal(strnlen(at, n + 5), n);
        assert_int_equal(strnlen(at, SIZE_MAX), n);
        assert_int_equal(strnlen(at, n / 2), n / 2);
        assert_null(strchr(at, 'z'));
        assert_ptr_equal(strchr(at, '\0'), at + n);
        for (size_t i = 0; i < n; i++)
            if (i < 26)
                assert_ptr_equal(strchr(at, 'A' + (int)i), at + i);
        assert_int_equal(strcmp(at, text), 0);
        text[n] = (char)('A' + n % 26);
    }
    assert_string_equal(strrchr("a/b/c", '/'), "/c");
    assert_null(strrchr("abc", '/'));
    assert_true(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("ab", "a") > 0 && strcmp("a", "\xff") < 0);
    assert_true(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0 && strncmp("a", "a", 9) == 0);
    assert_int_equal(strspn("aabc", "ab"), 3);
    assert_int_equal(strcspn("aabc", "cb"), 2);
    assert_int_equal(strcspn("aa", ""), 2);
    assert_string_equal(strstr("one two", "two"), "two");
    assert_null(strstr("one two", "twos"));
    assert_string_equal(strstr("x", ""), "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_and_moves),
        cmocka_unit_test(sets_and_compares),
        cmocka_unit_test(finds_in_texts),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
