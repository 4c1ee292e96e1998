/* Tests of the ELF reader: sound files, then the same files cut short and damaged at random. */
#include "protect/scan/elf_file.h"
#include "protect/test/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIBRARIES     "/lib/x86_64-linux-gnu"
#define LIBRARY_LIMIT ((size_t)16 << 20)
#define MUTATIONS     20000

static char why[256];

static uint8_t *read_fixture(const char *name, size_t *size)
{
    uint8_t *bytes = fixture_read(name, size);

    if (bytes == NULL)
        fail_msg("%s is not beside this program", name);
    return bytes;
}

static void test_symbols_of_a_sound_file(void **state)
{
    static const char *const files[] = {"sound.so", "sound-sysv.so"}; /* DT_GNU_HASH and DT_HASH */
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        size_t size;
        uint8_t *bytes = read_fixture(files[i], &size);
        struct nw_elf elf;
        Elf64_Sym symbol;
        uint64_t offset;
        char name[64];
        assert_int_equal(nw_elf_open(&elf, bytes, size, why, sizeof why), 0);
        assert_true(nw_elf_find_exported(&elf, "faas_func_call", &symbol));
        assert_true(nw_elf_find_exported(&elf, "faas_init", &symbol));
        assert_true(nw_elf_file_offset(&elf, symbol.st_value, symbol.st_size, PF_X, &offset));
        assert_false(nw_elf_file_offset(&elf, symbol.st_value, symbol.st_size, PF_W, &offset));
        assert_false(nw_elf_file_offset(&elf, symbol.st_value, size, PF_X, &offset));
        assert_true(nw_elf_name_offset(&elf, offset, name, sizeof name));
        assert_string_equal(name, "faas_init");
        assert_true(nw_elf_name_offset(&elf, offset + symbol.st_size - 1, name, 5));
        assert_string_equal(name, "faas");
        assert_false(nw_elf_name_offset(&elf, 0, name, sizeof name));
        assert_string_equal(name, "");
        assert_false(nw_elf_find_exported(&elf, "faas_ini", &symbol));
        assert_false(nw_elf_find_exported(&elf, "faas_init2", &symbol));
        assert_false(nw_elf_find_exported(&elf, "", &symbol));
        assert_false(nw_elf_find_exported(&elf, "deep_inside", &symbol));
        assert_true(nw_elf_find_local(&elf, "deep_inside", &symbol));
        assert_false(nw_elf_find_exported(&elf, "__cxa_finalize", &symbol)); /* undefined here */
        free(bytes);
    }
}

static void test_the_function_before_an_address(void **state)
{
    size_t size;
    uint8_t *bytes = read_fixture("sound.so", &size);
    struct nw_elf elf;
    Elf64_Sym symbol, other;
    uint64_t distance;
    char name[64];
    (void)state;

    assert_int_equal(nw_elf_open(&elf, bytes, size, why, sizeof why), 0);
    assert_true(nw_elf_find_local(&elf, "faas_init", &symbol));
    assert_true(nw_elf_name_before(&elf, symbol.st_value, name, sizeof name, &distance));
    assert_string_equal(name, "faas_init");
    assert_int_equal(distance, 0);
    assert_true(nw_elf_name_before(&elf, symbol.st_value + symbol.st_size - 1, name, 5, &distance));
    assert_string_equal(name, "faas");
    assert_int_equal(distance, symbol.st_size - 1);
    assert_false(nw_elf_name_before(&elf, 0, name, sizeof name, &distance));
    assert_string_equal(name, "");
    for (size_t i = 0; i < elf.symtab.count; i++) { /* a second name for it, which comes first */
        uint8_t *entry = bytes + (elf.symtab.entries - bytes) + i * sizeof other;
        memcpy(&other, entry, sizeof other);
        if (strcmp(elf.symtab.strings + other.st_name, "deep_inside") == 0)
            memcpy(entry + offsetof(Elf64_Sym, st_value), &symbol.st_value, sizeof symbol.st_value);
    }
    assert_true(nw_elf_name_before(&elf, symbol.st_value + 1, name, sizeof name, &distance));
    assert_string_equal(name, "deep_inside");
    assert_int_equal(distance, 1);
    free(bytes);
}

static void test_names_are_made_printable(void **state)
{
    size_t size;
    uint8_t *bytes = read_fixture("sound.so", &size);
    struct nw_elf elf;
    Elf64_Sym symbol;
    uint64_t offset;
    char name[64];
    (void)state;

    for (size_t i = 0; i + 12 < size; i++) {
        if (memcmp(bytes + i, "deep_inside", 12) == 0)
            memcpy(bytes + i, "\x1b[31m\n\xff", 7);
    }
    assert_int_equal(nw_elf_open(&elf, bytes, size, why, sizeof why), 0);
    assert_true(nw_elf_find_local(&elf, "\x1b[31m\n\xffside", &symbol));
    assert_true(nw_elf_file_offset(&elf, symbol.st_value, 1, PF_X, &offset));
    assert_true(nw_elf_name_offset(&elf, offset, name, sizeof name));
    assert_string_equal(name, "?[31m??side");
    free(bytes);
}

/* The number of entries of .dynsym, which a loader does not look at. */
static size_t dynsym_section_count(const uint8_t *bytes)
{
    Elf64_Ehdr header;
    Elf64_Shdr section;

    memcpy(&header, bytes, sizeof header);
    for (size_t i = 0; i < header.e_shnum; i++) {
        memcpy(&section, bytes + header.e_shoff + i * sizeof section, sizeof section);
        if (section.sh_type == SHT_DYNSYM)
            return section.sh_size / sizeof(Elf64_Sym);
    }
    return 0;
}

/* False when it is not a library, or larger than a test should read. */
static bool check_library(const char *name)
{
    char path[512];
    size_t size;
    struct nw_elf elf;

    snprintf(path, sizeof path, LIBRARIES "/%s", name);
    uint8_t *bytes = fixture_read(path, &size);
    bool usable = bytes != NULL && size < LIBRARY_LIMIT && size > SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0;
    if (usable) {
        if (nw_elf_open(&elf, bytes, size, why, sizeof why) != 0)
            fail_msg("%s: %s", path, why);
        size_t count = dynsym_section_count(bytes);
        if (elf.dynsym.count > count)
            fail_msg("%s: %zu symbols of %zu", path, elf.dynsym.count, count);
        for (size_t i = elf.dynsym.count; i < count; i++) { /* a hash table may leave out what is undefined */
            Elf64_Sym symbol;
            memcpy(&symbol, elf.dynsym.entries + i * sizeof symbol, sizeof symbol);
            assert_int_equal(symbol.st_shndx, SHN_UNDEF);
        }
    }
    free(bytes);
    return usable;
}

static void test_libraries_of_this_machine(void **state)
{
    DIR *directory = opendir(LIBRARIES);
    size_t count = 0;
    (void)state;

    if (directory == NULL) {
        print_message("skipped: no %s here\n", LIBRARIES);
        skip();
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_type == DT_REG && strstr(entry->d_name, ".so") != NULL && check_library(entry->d_name))
            count++;
    }
    closedir(directory);
    print_message("%zu libraries read\n", count);
    assert_true(count > 0);
}

/* Uses everything there is; true when the file opens. */
static bool exercise(const uint8_t *bytes, size_t size)
{
    static const int64_t tags[] = {DT_NEEDED, DT_FLAGS_1, DT_TEXTREL, DT_STRTAB};
    struct nw_elf elf;
    Elf64_Sym symbol;
    uint64_t value;
    char name[32];

    why[0] = '\0';
    int error = nw_elf_open(&elf, bytes, size, why, sizeof why);
    if (error != 0) {
        assert_int_equal(error, -ENOEXEC);
        assert_string_not_equal(why, "");
        return false;
    }
    for (size_t i = 0; i < 4; i++)
        nw_elf_dynamic(&elf, tags[i], &value);
    nw_elf_find_exported(&elf, "faas_func_call", &symbol);
    nw_elf_find_local(&elf, "deep_inside", &symbol);
    for (uint64_t offset = 0; offset < size; offset += 512)
        nw_elf_name_offset(&elf, offset, name, sizeof name);
    nw_elf_name_before(&elf, size, name, sizeof name, &value);
    return true;
}

static void test_cut_short_at_every_length(void **state)
{
    size_t size;
    uint8_t *bytes = read_fixture("sound.so", &size);
    struct fence fence;
    (void)state;

    fence_init(&fence, size);
    for (size_t length = 0; length < size; length++)
        exercise(fence_copy(&fence, bytes, length), length);
    assert_true(exercise(fence_copy(&fence, bytes, size), size));
    assert_false(exercise(fence_copy(&fence, bytes, 64), 64));
    fence_fini(&fence);
    free(bytes);
}

/* Tables that claim to go on behind the end of the file. */
static void test_tables_without_end(void **state)
{
    size_t size;
    uint8_t *bytes = read_fixture("sound.so", &size);
    struct fence fence;
    struct nw_elf elf;
    (void)state;

    fence_init(&fence, size);
    assert_int_equal(nw_elf_open(&elf, bytes, size, why, sizeof why), 0);
    uint8_t *copy = fence_copy(&fence, bytes, size);
    for (Elf64_Dyn *entry = (Elf64_Dyn *)(copy + elf.dynamic_offset); entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_STRSZ)
            entry->d_un.d_val = UINT64_MAX;
    }
    Elf64_Sym *symbols = (Elf64_Sym *)(copy + (elf.dynsym.entries - bytes));
    for (size_t i = 0; i < elf.dynsym.count; i++)
        symbols[i].st_name = (uint32_t)(size + 64 * i);
    assert_true(exercise(copy, size));

    copy = fence_copy(&fence, bytes, size);
    Elf64_Phdr *segments = (Elf64_Phdr *)(copy + elf.header.e_phoff);
    for (size_t i = 0; i < elf.header.e_phnum; i++) {
        if (segments[i].p_type == PT_DYNAMIC) {
            segments[i].p_offset = size - 24;
            segments[i].p_filesz = 24;
        }
    }
    memset(copy + size - 24, 0x11, 24);
    assert_true(exercise(copy, size));
    fence_fini(&fence);
    free(bytes);
}

/* Somewhere in what the reader looks at: headers, dynamic section, hash and symbol tables, section headers. */
static size_t interesting_place(const struct nw_elf *elf, uint64_t *random)
{
    size_t headers = elf->header.e_phoff + elf->header.e_phnum * sizeof(Elf64_Phdr);

    switch (next_random(random) % 5) {
    case 0:
        return next_random(random) % sizeof(Elf64_Ehdr);
    case 1:
        return next_random(random) % headers;
    case 2:
        return elf->dynamic_offset + next_random(random) % elf->dynamic_size;
    case 3:
        return elf->header.e_shoff + next_random(random) % (elf->size - elf->header.e_shoff);
    }
    return next_random(random) % 0x500; /* where the linker puts the hash table and the dynamic symbols */
}

static void damage(uint8_t *bytes, const struct nw_elf *elf, uint64_t *random)
{
    static const uint64_t values[] = {0,          1,          3,          7,      24,        0x1000,
                                      0x7fffffff, 0x80000000, 0xffffffff, ~0ULL,  ~0ULL - 7, 1ULL << 63,
                                      1ULL << 47, 0x3ffff,    -4096ULL,   0x4000, 16,        0x6ffffef5};
    unsigned int times = 1 + next_random(random) % 3;

    while (times-- > 0) {
        size_t at = interesting_place(elf, random);
        uint64_t value = values[next_random(random) % (sizeof values / sizeof values[0])];
        static const size_t widths[] = {1, 2, 4, 8};
        size_t width = widths[next_random(random) % 4];
        at &= ~(width - 1);
        if (next_random(random) % 3 == 0)
            bytes[at] ^= (uint8_t)(1 << next_random(random) % 8);
        else if (at + width <= elf->size)
            memcpy(bytes + at, &value, width);
    }
}

static void test_damaged_at_random(void **state)
{
    static const char *const files[] = {"sound.so", "sound-sysv.so"};
    uint64_t random = 20261122;
    size_t opened = 0;
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        size_t size;
        uint8_t *bytes = read_fixture(files[i], &size);
        struct fence fence;
        struct nw_elf elf;
        assert_int_equal(nw_elf_open(&elf, bytes, size, why, sizeof why), 0);
        fence_init(&fence, size);
        for (int round = 0; round < MUTATIONS / 2; round++) {
            uint8_t *copy = fence_copy(&fence, bytes, size);
            damage(copy, &elf, &random);
            opened += exercise(copy, size);
        }
        fence_fini(&fence);
        free(bytes);
    }
    print_message("%zu of %d damaged files still open\n", opened, MUTATIONS);
    assert_true(opened > MUTATIONS / 10); /* or the damage would never reach the tables behind the headers */
    assert_true(opened < MUTATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbols_of_a_sound_file),   cmocka_unit_test(test_the_function_before_an_address),
        cmocka_unit_test(test_names_are_made_printable),  cmocka_unit_test(test_libraries_of_this_machine),
        cmocka_unit_test(test_cut_short_at_every_length), cmocka_unit_test(test_tables_without_end),
        cmocka_unit_test(test_damaged_at_random),
    };
    return cmocka_run_group_tests_name("protect/elf_file", tests, NULL, NULL);
}
