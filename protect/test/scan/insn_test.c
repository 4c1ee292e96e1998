/* Tests of the instruction decoder: against Zydis, on the machine's own libraries and on random bytes. */
#include "protect/scan/elf_code.h"
#include "protect/scan/insn.h"
#include "protect/test/fixture.h"
#include "protect/test/scan/insn_zydis.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define LIBRARIES "/lib/x86_64-linux-gnu"

/* Functions are taken from each library at this distance. */
#define STRIDE ((uint64_t)256 << 10)

static void print_difference(const uint8_t *code, size_t size, size_t length)
{
    struct nw_insn ours = {0};
    nw_insn_decode(code, size, &ours);
    for (size_t i = 0; i < size && i < NW_INSN_MAX; i++)
        print_error("%02x ", code[i]);
    print_error("\n  ours: length %u modrm %u disp %u+%u imm %u+%u; Zydis: length %zu\n", ours.length, ours.modrm_at,
                ours.disp_at, ours.disp_size, ours.imm_at, ours.imm_size, length);
}

/* Whether what Zydis knows is known to us too, and looks the same. Returns the length, 0 if Zydis knows nothing. */
static size_t compare(const uint8_t *code, size_t size, size_t *unlike)
{
    bool alike;
    size_t length = insn_compare(code, size, &alike);
    if (!alike && ++*unlike < 10)
        print_difference(code, size, length);
    return length;
}

/* Goes through one function; returns how many instructions it has. */
static size_t compare_function(const uint8_t *code, size_t size, size_t *unlike)
{
    size_t count = 0;

    for (size_t at = 0, length; at < size && (length = compare(code + at, size - at, unlike)) != 0; at += length)
        count++;
    return count;
}

static size_t compare_file(const char *path, size_t *unlike)
{
    struct nw_elf elf;
    char why[8];
    size_t size = 0, count = 0;
    uint8_t *bytes = fixture_read(path, &size);

    if (bytes == NULL)
        return 0;
    bool sound = nw_elf_open(&elf, bytes, size, why, sizeof why) == 0;
    for (size_t i = 0; sound && i < elf.header.e_phnum; i++) {
        const Elf64_Phdr *segment = &elf.segments[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        for (uint64_t at = segment->p_offset; at < segment->p_offset + segment->p_filesz; at += STRIDE) {
            struct nw_elf_range range;
            if (nw_elf_code_range(&elf, segment, at, &range))
                count += compare_function(bytes + range.start, range.end - range.start, unlike);
        }
    }
    free(bytes);
    return count;
}

static void test_libraries(void **state)
{
    DIR *folder = opendir(LIBRARIES);
    size_t count = 0, unlike = 0, files = 0;
    (void)state;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[sizeof LIBRARIES + 1 + sizeof entry->d_name];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", LIBRARIES, entry->d_name);
        if (strstr(entry->d_name, ".so") == NULL || lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        size_t found = compare_file(path, &unlike);
        count += found;
        files += found != 0;
    }
    closedir(folder);
    print_message("%zu instructions of %zu libraries\n", count, files);
    assert_true(count > 10000);
    assert_int_equal(unlike, 0);
}

static void test_random_bytes(void **state)
{
    /* Starts that lead to what random bytes seldom reach. */
    static const char *const starts[] = {"",     "\x0f", "\x0f\x38", "\x0f\x3a", "\x66\x0f",
                                         "\x48", "\xc5", "\xc4",     "\x62"};
    uint64_t random = 20221122;
    size_t unlike = 0, known = 0;
    struct fence fence;
    (void)state;

    fence_init(&fence, NW_INSN_MAX);
    for (int round = 0; round < 3000000; round++) {
        size_t size = 1 + next_random(&random) % NW_INSN_MAX;
        uint8_t *code = fence_end(&fence, size);
        const char *start = starts[(size_t)round % (sizeof starts / sizeof starts[0])];
        for (size_t i = 0; i < size; i++)
            code[i] = (uint8_t)next_random(&random);
        memcpy(code, start, strlen(start) < size ? strlen(start) : size);
        known += compare(code, size, &unlike) != 0;
    }
    fence_fini(&fence);
    assert_true(known > 500000);
    assert_int_equal(unlike, 0);
}

/* Everything short of the whole instruction is none. */
static void test_cut_short(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x90", 1},
        {"\x48\xb8\1\2\3\4\5\6\7\x08", 10},
        {"\xc7\x84\x24\1\2\3\4\5\6\7\x08", 11},
        {"\x66\x0f\x3a\x0f\x05\1\2\3\4\5", 10},
        {"\x62\xf1\x7c\x48\x10\x84\x24\1\2\3\4", 11},
        {"\xc4\xe3\x79\x0f\x00\x01", 6},
        {"\xc8\1\2\3", 4},
    };
    struct nw_insn insn;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t size = 0; size <= cases[i].size; size++) {
            bool whole = nw_insn_decode((const uint8_t *)cases[i].bytes, size, &insn);
            assert_int_equal(whole, size == cases[i].size);
        }
        assert_int_equal(insn.length, cases[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libraries),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_cut_short),
    };

    return cmocka_run_group_tests_name("protect/insn", tests, NULL, NULL);
}
