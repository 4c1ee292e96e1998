/* Tests of the instruction scanner: against a naive scanner, at every seam, against Zydis, and on the machine's own
 * libraries. */
#include "protect/scan/scan.h"
#include "protect/test/fixture.h"
#include "protect/test/scan/naive_scan.h"

#include <Zydis/Zydis.h>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LIBRARIES "/lib/x86_64-linux-gnu"
#define MAX_HITS  4096

static size_t compare_scans(const uint8_t *code, size_t size)
{
    static struct nw_scan_hit ours[MAX_HITS], naive[MAX_HITS];
    size_t found = nw_scan(code, size, ours, MAX_HITS);

    assert_int_equal(found, naive_scan(code, size, naive, MAX_HITS));
    for (size_t i = 0; i < found && i < MAX_HITS; i++) {
        assert_int_equal(ours[i].offset, naive[i].offset);
        assert_int_equal(ours[i].length, naive[i].length);
        assert_int_equal(ours[i].kind, naive[i].kind);
    }
    return found;
}

static void test_each_instruction(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        int kind; /* -1: no hit */
    } cases[] = {
        {"\x0f\x01\xef", 3, NW_SCAN_WRPKRU},
        {"\x0f\x01\xee", 3, -1},             /* rdpkru */
        {"\x0f\xae\x2f", 3, NW_SCAN_XRSTOR}, /* xrstor (%rdi) */
        {"\x48\x0f\xae\x6c\x24\x40", 6, NW_SCAN_XRSTOR},
        {"\x0f\xae\xad\x00\x00\x00\x00", 7, NW_SCAN_XRSTOR},
        {"\x0f\xae\xe8", 3, -1}, /* lfence */
        {"\x0f\xae\x27", 3, -1}, /* xsave (%rdi) */
        {"\x0f\xae\x0f", 3, -1}, /* fxrstor (%rdi) */
        {"\xf3\x0f\xae\xd0", 4, NW_SCAN_WRFSBASE},
        {"\xf3\x48\x0f\xae\xdf", 5, NW_SCAN_WRGSBASE},
        {"\xf3\x66\x2e\x41\x0f\xae\xd7", 7, NW_SCAN_WRFSBASE},
        {"\xf3\xf2\x0f\xae\xd7", 5, NW_SCAN_WRFSBASE},
        {"\xf3\x90\x0f\xae\xd7", 5, -1}, /* pause ends the prefixes */
        {"\x0f\xae\xd7", 3, -1},
        {"\xf3\x0f\xae\xc7", 4, -1}, /* rdfsbase */
        {"\xf3\x0f\xae\x17", 4, -1}, /* ldmxcsr (%rdi) */
        {"\xd5\x80\x01\xef", 4, NW_SCAN_WRPKRU},
        {"\xd5\xff\x01\xef", 4, NW_SCAN_WRPKRU},
        {"\xd5\x7f\x01\xef", 4, -1}, /* add %ebp, %edi of the one-byte map */
        {"\xd5\x80\xae\x2f", 4, -1}, /* XRSTOR knows no REX2 */
        {"\xf3\xd5\x99\xae\xd0", 5, NW_SCAN_WRFSBASE},
        {"\xd5\x99\xae\xd0", 4, -1},
        {"\xc5\xf8\xae\x2f", 4, -1},         /* VEX */
        {"\x62\xf1\x7c\x08\xae\x2f", 6, -1}, /* EVEX */
        {"\x62\xf1\x7c\x08\x01\xef", 6, -1},
        {"\x0f\xc7\x1f", 3, -1}, /* xrstors (%rdi), which only the kernel may */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nw_scan_hit hit;
        size_t found = nw_scan((const uint8_t *)cases[i].bytes, cases[i].size, &hit, 1);
        assert_int_equal(found, cases[i].kind < 0 ? 0 : 1);
        if (found == 1)
            assert_int_equal(hit.kind, cases[i].kind);
    }
}

static void test_every_offset_and_fit(void **state)
{
    static const char *const bytes[] = {"\x0f\x01\xef", "\x0f\xae\x2f", "\xf3\x66\x41\x0f\xae\xd7", "\xd5\x80\x01\xef",
                                        "\xf3\xd5\x80\xae\xd8"};
    struct fence fence;
    (void)state;

    fence_init(&fence, 80);
    for (size_t size = 0; size < 80; size++) {
        uint8_t *code = fence_end(&fence, size);
        for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
            size_t length = strlen(bytes[i]);
            for (size_t at = 0; at + length <= size; at++) {
                struct nw_scan_hit hit;
                memset(code, 0x90, size);
                memcpy(code + at, bytes[i], length);
                assert_int_equal(nw_scan(code, size, &hit, 1), 1);
                assert_int_equal(hit.offset, at);
                assert_int_equal(hit.length, length);
                assert_int_equal(nw_scan(code, at + length - 1, &hit, 1), 0);
            }
        }
    }
    fence_fini(&fence);
}

static void test_more_hits_than_room(void **state)
{
    uint8_t code[300];
    struct nw_scan_hit hits[3] = {{.offset = 1}, {.offset = 1}, {.offset = 77}};
    (void)state;

    for (size_t i = 0; i < sizeof code; i++)
        code[i] = (uint8_t) "\x0f\x01\xef"[i % 3];
    assert_int_equal(nw_scan(code, sizeof code, hits, 2), 100);
    assert_int_equal(hits[0].offset, 0);
    assert_int_equal(hits[1].offset, 3);
    assert_int_equal(hits[2].offset, 77);
    assert_int_equal(nw_scan(code, sizeof code, NULL, 0), 100);
}

static void test_seam_at_every_split(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x0f\x01\xef", 3},     {"\x0f\xae\x2f", 3},
        {"\xf3\x0f\xae\xd0", 4}, {"\xf3\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x41\x0f\xae\xdf", 15},
        {"\xd5\x80\x01\xef", 4}, {"\xf3\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xd5\xff\xae\xdf", 15},
    };
    uint8_t code[100];
    struct nw_scan_hit hit;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(code, 0x90, sizeof code);
        memcpy(code + 40, cases[i].bytes, cases[i].size);
        for (size_t split = 0; split <= sizeof code; split++) {
            bool across = split > 40 && split < 40 + cases[i].size;
            assert_int_equal(nw_scan_seam(code, split, code + split, sizeof code - split, &hit), across);
            assert_int_equal(nw_scan_seam(code, split, code + split, sizeof code - split, NULL), across);
            if (across) {
                assert_int_equal(hit.offset, 40);
                assert_int_equal(hit.length, cases[i].size);
            }
            size_t apart = nw_scan(code, split, NULL, 0) + nw_scan(code + split, sizeof code - split, NULL, 0);
            assert_int_equal(apart, across ? 0 : 1);
        }
    }
}

/* Whole = part + part + seam, for bytes made of nothing but what sequences are made of. */
static void test_adversarial_bytes(void **state)
{
    static const uint8_t alphabet[] = {0x0f, 0x01, 0xef, 0xae, 0x2f, 0xf3, 0x48,
                                       0x66, 0xd0, 0xd8, 0xf2, 0x6d, 0xd5, 0x90};
    uint64_t random = 0x9e3779b97f4a7c15;
    struct fence fence;
    size_t total = 0;
    (void)state;

    fence_init(&fence, 400);
    for (int round = 0; round < 4000; round++) {
        size_t size = next_random(&random) % 400;
        uint8_t *code = fence_end(&fence, size);
        for (size_t i = 0; i < size; i++)
            code[i] = alphabet[(next_random(&random) >> 20) % sizeof alphabet];
        size_t whole = compare_scans(code, size);
        size_t split = size == 0 ? 0 : next_random(&random) % size;
        size_t parts = nw_scan(code, split, NULL, 0) + nw_scan(code + split, size - split, NULL, 0);
        assert_int_equal(whole, parts + nw_scan_seam(code, split, code + split, size - split, NULL));
        total += whole;
    }
    assert_true(total > 1000);
    fence_fini(&fence);
}

/* Every string of six of the bytes that matter, across the border between two steps of the vector loop. */
static void test_all_short_strings(void **state)
{
    static const uint8_t alphabet[] = {0x0f, 0x01, 0xef, 0xae, 0x2f, 0xf3, 0xd8, 0xd5, 0x80};
    enum { SIZE = 38, LETTERS = sizeof alphabet, AT = 13, LENGTH = 6 };
    uint8_t code[SIZE], turn[LENGTH] = {0};
    size_t total = 0;
    (void)state;

    memset(code, 0x90, sizeof code);
    for (size_t i = 0; i < LENGTH;) {
        for (size_t k = 0; k < LENGTH; k++)
            code[AT + k] = alphabet[turn[k]];
        total += compare_scans(code, SIZE);
        for (i = 0; i < LENGTH && ++turn[i] == LETTERS; i++)
            turn[i] = 0;
    }
    assert_true(total > 10000);
}

static void test_page_borders(void **state)
{
    enum { PAGE = 4096, SIZE = 3 * PAGE };
    static const char *const bytes[] = {"\x0f\x01\xef", "\x0f\xae\x6f", "\xf3\x66\x41\x0f\xae\xd7"};
    uint8_t *code = aligned_alloc(PAGE, SIZE);
    (void)state;

    assert_non_null(code);
    memset(code, 0x0f, SIZE);
    for (size_t border = 0; border <= SIZE; border += PAGE)
        for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
            for (size_t at = border < 32 ? 0 : border - 32; at + strlen(bytes[i]) <= SIZE && at < border + 32; at++) {
                memcpy(code + at, bytes[i], strlen(bytes[i]));
                assert_int_equal(compare_scans(code, SIZE), 1);
                memset(code + at, 0x0f, strlen(bytes[i]));
            }
    free(code);
}

/* What Zydis, or a processor as it knows them, takes for one of the four; if so it must be a hit. */
static size_t compare_with_zydis(const ZydisDecoder *decoder, const uint8_t *code, size_t size)
{
    ZydisDecodedInstruction instruction;
    struct nw_scan_hit hit;

    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, code, size, &instruction)))
        return 0;
    switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_WRPKRU:
    case ZYDIS_MNEMONIC_XRSTOR:
    case ZYDIS_MNEMONIC_XRSTOR64:
    case ZYDIS_MNEMONIC_WRFSBASE:
    case ZYDIS_MNEMONIC_WRGSBASE:
        assert_int_equal(nw_scan(code, instruction.length, &hit, 1), 1);
        assert_true(hit.offset + hit.length <= instruction.length);
        return 1;
    default:
        return 0;
    }
}

/* Up to three prefixes in any order and number, each opcode that could matter, every ModRM. */
static void test_all_forms_that_zydis_knows(void **state)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67,
                                       0xf0, 0xf2, 0xf3, 0x40, 0x41, 0x48, 0x4f};
    static const uint8_t opcodes[] = {0x01, 0xae, 0xc7};
    enum { COUNT = sizeof prefixes };
    ZydisDecoder decoder;
    size_t known = 0;
    (void)state;

    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (size_t turn = 0; turn < (COUNT + 1) * (COUNT + 1) * (COUNT + 1); turn++) {
        uint8_t code[16] = {0};
        size_t at = 0;
        for (size_t rest = turn; rest != 0; rest /= COUNT + 1)
            if (rest % (COUNT + 1) != 0)
                code[at++] = prefixes[rest % (COUNT + 1) - 1];
        code[at] = 0x0f;
        for (size_t i = 0; i < sizeof opcodes; i++)
            for (unsigned int modrm = 0; modrm < 256; modrm++) {
                code[at + 1] = opcodes[i];
                code[at + 2] = (uint8_t)modrm;
                known += compare_with_zydis(&decoder, code, 15);
            }
    }
    print_message("%zu forms\n", known);
    assert_true(known > 10000);
}

static void test_random_bytes(void **state)
{
    enum { SIZE = 1 << 22 };
    uint64_t random = 88172645463325252;
    uint8_t *code = malloc(SIZE);
    (void)state;

    assert_non_null(code);
    for (size_t i = 0; i < SIZE; i += 8) {
        uint64_t word = next_random(&random);
        memcpy(code + i, &word, 8);
    }
    compare_scans(code, SIZE);
    free(code);
}

/* Scans the executable segments of one library both ways. Returns their bytes, or 0 when it is not a library. */
static size_t compare_library(int directory, const char *name, size_t *hits)
{
    struct stat st;
    size_t scanned = 0;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size > sizeof(Elf64_Ehdr)) {
        const uint8_t *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_true(map != MAP_FAILED);
        const Elf64_Ehdr *header = (const Elf64_Ehdr *)map;
        if (memcmp(map, ELFMAG, SELFMAG) == 0) {
            const Elf64_Phdr *segment = (const Elf64_Phdr *)(map + header->e_phoff);
            for (int i = 0; i < header->e_phnum; i++) {
                if (segment[i].p_type != PT_LOAD || !(segment[i].p_flags & PF_X))
                    continue;
                *hits += compare_scans(map + segment[i].p_offset, segment[i].p_filesz);
                scanned += segment[i].p_filesz;
            }
        }
        munmap((void *)map, (size_t)st.st_size);
    }
    close(fd);
    return scanned;
}

static void test_libraries_of_this_machine(void **state)
{
    size_t scanned = 0, hits = 0;
    DIR *directory = opendir(LIBRARIES);
    (void)state;

    if (directory == NULL) {
        print_message("skipped: no %s here\n", LIBRARIES);
        skip();
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strstr(entry->d_name, ".so") != NULL)
            scanned += compare_library(dirfd(directory), entry->d_name, &hits);
    }
    closedir(directory);
    print_message("%zu MiB of code scanned, %zu hits\n", scanned >> 20, hits);
    assert_true(scanned > 0);
    assert_true(hits > 0); /* libc's pkey_set and ld.so's lazy resolver, at least */
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(nw_scan_kind_name(NW_SCAN_WRPKRU), "WRPKRU");
    assert_string_equal(nw_scan_kind_name(NW_SCAN_XRSTOR), "XRSTOR");
    assert_string_equal(nw_scan_kind_name(NW_SCAN_WRFSBASE), "WRFSBASE");
    assert_string_equal(nw_scan_kind_name(NW_SCAN_WRGSBASE), "WRGSBASE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_instruction),
        cmocka_unit_test(test_every_offset_and_fit),
        cmocka_unit_test(test_more_hits_than_room),
        cmocka_unit_test(test_seam_at_every_split),
        cmocka_unit_test(test_adversarial_bytes),
        cmocka_unit_test(test_all_short_strings),
        cmocka_unit_test(test_page_borders),
        cmocka_unit_test(test_all_forms_that_zydis_knows),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_libraries_of_this_machine),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("protect/scan", tests, NULL, NULL);
}
