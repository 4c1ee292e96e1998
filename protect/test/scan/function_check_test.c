/* Tests of the check of a function's file: each fault is put into a sound file and must be named. */
#include "protect/check/function_check.h"
#include "protect/scan/elf_file.h"
#include "protect/test/fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct file {
    uint8_t *bytes;
    size_t size;
    struct nw_elf elf;
    char why[NW_FUNCTION_WHY_SIZE];
    struct nw_scan_hit site;
};

static int set_up(void **state)
{
    struct file *file = calloc(1, sizeof *file);

    if (file == NULL)
        return -1;
    file->bytes = fixture_read("sound.so", &file->size);
    if (file->bytes == NULL) {
        print_error("sound.so is not beside this program\n");
        return -1;
    }
    *state = file;
    return nw_elf_open(&file->elf, file->bytes, file->size, file->why, sizeof file->why);
}

static int tear_down(void **state)
{
    struct file *file = *state;

    free(file->bytes);
    free(file);
    return 0;
}

static int check(struct file *file)
{
    memset(file->why, 0, sizeof file->why);
    int error = nw_function_check_site(file->bytes, file->size, file->why, sizeof file->why, &file->site);

    assert_int_equal(error == -EPERM && strstr(file->why, " at file offset ") != NULL, file->site.length != 0);
    return error;
}

#define assert_refused(file, error, message)       \
    do {                                           \
        assert_int_equal(check(file), error);      \
        assert_string_equal((file)->why, message); \
    } while (0)

/* Program header i, to be changed in place. */
static Elf64_Phdr *segment(struct file *file, size_t i)
{
    return (Elf64_Phdr *)(file->bytes + file->elf.header.e_phoff) + i;
}

static size_t segment_of(struct file *file, uint32_t type, uint32_t flags)
{
    for (size_t i = 0; i < file->elf.header.e_phnum; i++) {
        if (file->elf.segments[i].p_type == type && (file->elf.segments[i].p_flags & flags) == flags)
            return i;
    }
    fail_msg("no segment of type %#x", type);
    return 0;
}

static Elf64_Dyn *dynamic(struct file *file, int64_t tag)
{
    Elf64_Dyn *entry = (Elf64_Dyn *)(file->bytes + file->elf.dynamic_offset);

    while (entry->d_tag != tag) {
        assert_int_not_equal(entry->d_tag, DT_NULL);
        entry++;
    }
    return entry;
}

static uint64_t offset_of(struct file *file, const char *name)
{
    Elf64_Sym symbol;
    uint64_t offset = 0;

    assert_true(nw_elf_find_local(&file->elf, name, &symbol));
    assert_true(nw_elf_file_offset(&file->elf, symbol.st_value, 1, PF_X, &offset));
    return offset;
}

static void test_sound_file_passes(void **state)
{
    struct file *file = *state;

    assert_int_equal(check(file), 0);
    assert_string_equal(file->why, "");
}

static void test_not_elf(void **state)
{
    struct file *file = *state;
    size_t whole = file->size;

    file->size = 0;
    assert_refused(file, -ENOEXEC, "not an ELF file");
    file->size = 3;
    assert_refused(file, -ENOEXEC, "not an ELF file");
    file->size = 40;
    assert_refused(file, -ENOEXEC, "truncated: an ELF file of 40 bytes");
    file->size = whole / 2;
    assert_int_equal(check(file), -ENOEXEC);
    assert_non_null(strstr(file->why, "truncated?"));
    file->size = whole;
    memcpy(file->bytes, "#!/bin/sh\n", 10);
    assert_refused(file, -ENOEXEC, "not an ELF file");
}

static void test_wrong_machine(void **state)
{
    struct file *file = *state;
    Elf64_Ehdr *header = (Elf64_Ehdr *)file->bytes;

    header->e_machine = EM_AARCH64;
    assert_refused(file, -ENOEXEC, "built for AArch64; this host runs x86-64");
    header->e_machine = 4711;
    assert_refused(file, -ENOEXEC, "built for machine number 4711; this host runs x86-64");
    header->e_machine = EM_386;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    assert_refused(file, -ENOEXEC, "built for 32-bit x86; this host runs x86-64");
    header->e_machine = EM_X86_64;
    assert_refused(file, -ENOEXEC, "built for x86-64 with 32-bit pointers; this host runs 64-bit x86-64");
    header->e_ident[EI_DATA] = ELFDATA2MSB;
    header->e_machine = EM_S390 << 8;
    assert_refused(file, -ENOEXEC, "built for s390; this host runs x86-64");
}

static void test_wrong_kind_of_file(void **state)
{
    struct file *file = *state;
    Elf64_Ehdr *header = (Elf64_Ehdr *)file->bytes;

    header->e_type = ET_REL;
    assert_refused(file, -ENOEXEC, "an object file, not a shared object; build it with -shared -fPIC");
    header->e_type = ET_EXEC;
    assert_refused(file, -ENOEXEC, "a program, not a shared object; build it with -shared -fPIC");
    header->e_type = ET_DYN;
    *dynamic(file, DT_RELACOUNT) = (Elf64_Dyn){.d_tag = DT_FLAGS_1, .d_un.d_val = DF_1_PIE | DF_1_NOW};
    assert_refused(file, -ENOEXEC, "a program, not a shared object; build it with -shared -fPIC");
    segment(file, segment_of(file, PT_DYNAMIC, 0))->p_type = PT_NULL;
    assert_refused(file, -ENOEXEC, "no dynamic section; link it with -shared");
}

static void test_damaged_segments(void **state)
{
    struct file *file = *state;
    size_t last = segment_of(file, PT_LOAD, PF_W);
    Elf64_Phdr *data = segment(file, last), sound = *data;
    char message[NW_FUNCTION_WHY_SIZE];

#define assert_damaged(text)                                                      \
    do {                                                                          \
        snprintf(message, sizeof message, "damaged: segment %zu %s", last, text); \
        assert_refused(file, -ENOEXEC, message);                                  \
        *data = sound;                                                            \
    } while (0)

    data->p_filesz = file->size;
    data->p_memsz = file->size;
    assert_damaged("reaches past the end of the file; is it truncated?");
    data->p_offset = UINT64_MAX - 5;
    assert_damaged("reaches past the end of the file; is it truncated?");
    data->p_memsz = 1;
    assert_damaged("is larger in the file than in memory");
    data->p_memsz = UINT64_MAX;
    assert_damaged("leaves the address space");
    data->p_vaddr = -(uint64_t)4096 + data->p_vaddr % 4096;
    assert_damaged("leaves the address space");
    data->p_align = 3;
    assert_damaged("has an impossible alignment");
    data->p_align = 1ULL << 40;
    assert_damaged("has an impossible alignment");
    data->p_vaddr++;
    assert_damaged("cannot be mapped: offset and address differ within the page");
    data->p_vaddr = sound.p_vaddr % 4096;
    assert_damaged("overlaps the one before");
}

static void test_header_table_out_of_bounds(void **state)
{
    struct file *file = *state;
    Elf64_Ehdr *header = (Elf64_Ehdr *)file->bytes, sound = *header;

    header->e_phoff = file->size - 8;
    assert_int_equal(check(file), -ENOEXEC);
    header->e_phoff = UINT64_MAX - 64;
    assert_int_equal(check(file), -ENOEXEC);
    *header = sound;
    header->e_phnum = PN_XNUM;
    assert_int_equal(check(file), -ENOEXEC);
    header->e_phnum = 0;
    assert_int_equal(check(file), -ENOEXEC);
    *header = sound;
    header->e_phentsize = 8;
    assert_int_equal(check(file), -ENOEXEC);
    assert_non_null(strstr(file->why, "damaged"));
}

static void test_memory_it_may_not_have(void **state)
{
    struct file *file = *state;
    Elf64_Phdr *data = segment(file, segment_of(file, PT_LOAD, PF_W));
    Elf64_Phdr *stack = segment(file, segment_of(file, PT_GNU_STACK, 0));
    char message[NW_FUNCTION_WHY_SIZE];

    data->p_flags |= PF_X;
    snprintf(message, sizeof message, "segment %zu is writable and executable; link it without -N or --omagic",
             segment_of(file, PT_LOAD, PF_W));
    assert_refused(file, -EPERM, message);
    data->p_flags &= ~(uint32_t)PF_X;
    stack->p_flags |= PF_X;
    assert_refused(file, -EPERM, "asks for an executable stack; link it with -z noexecstack");
    stack->p_type = PT_NULL;
    assert_refused(file, -EPERM, "does not say that its stack is not executable; link it with -z noexecstack");
    data->p_memsz = (uint64_t)4 << 30;
    assert_refused(file, -ENOEXEC, "takes 4096 MiB of address space; a function may take 1024 MiB");
}

static void test_text_relocations(void **state)
{
    struct file *file = *state;

    dynamic(file, DT_RELACOUNT)->d_tag = DT_TEXTREL;
    assert_refused(file, -EPERM, "wants to write to its own code (DT_TEXTREL); build it with -fPIC");
    *dynamic(file, DT_TEXTREL) = (Elf64_Dyn){.d_tag = DT_FLAGS, .d_un.d_val = DF_TEXTREL};
    assert_refused(file, -EPERM, "wants to write to its own code (DT_TEXTREL); build it with -fPIC");
}

/* Changes a name of the dynamic symbols, or of all of them. */
static void rename_symbol(struct file *file, const char *name, bool everywhere)
{
    size_t length = strlen(name);

    for (size_t i = 0; i + length < file->size; i++) {
        if (memcmp(file->bytes + i, name, length + 1) != 0)
            continue;
        file->bytes[i] = 'x';
        if (!everywhere)
            return;
    }
}

static void test_missing_symbols(void **state)
{
    static const char *const names[] = {"faas_func_call", "faas_destroy_func_worker", "faas_create_func_worker",
                                        "faas_init"};
    struct file *file = *state;
    char message[NW_FUNCTION_WHY_SIZE];

    for (size_t i = 0; i < 4; i++) {
        rename_symbol(file, names[i], false);
        snprintf(message, sizeof message, "symbol %s is hidden; build it with default visibility", names[i]);
        assert_refused(file, -ENOENT, message);
        rename_symbol(file, names[i], true);
        snprintf(message, sizeof message,
                 "symbol %s not found; build it against include/faas/worker_v1_interface.h (in C++, declare it extern "
                 "\"C\")",
                 names[i]);
        assert_refused(file, -ENOENT, message);
    }
}

static void test_symbol_that_is_not_code(void **state)
{
    struct file *file = *state;
    Elf64_Sym *symbols = (Elf64_Sym *)file->elf.dynsym.entries;

    for (size_t i = 0; i < file->elf.dynsym.count; i++) {
        if (strcmp(file->elf.dynsym.strings + symbols[i].st_name, "faas_init") == 0)
            symbols[i].st_value = file->elf.segments[segment_of(file, PT_LOAD, PF_W)].p_vaddr;
    }
    assert_refused(file, -ENOEXEC, "symbol faas_init is not a function");
}

static void assert_site(const struct file *file, enum nw_scan_kind kind, uint64_t offset, size_t length)
{
    assert_int_equal(file->site.kind, kind);
    assert_int_equal(file->site.offset, offset);
    assert_int_equal(file->site.length, length);
}

static void test_forbidden_instructions(void **state)
{
    struct file *file = *state;
    uint64_t at = offset_of(file, "deep_inside");
    char message[NW_FUNCTION_WHY_SIZE];

    memcpy(file->bytes + at, "\x0f\x01\xef", 3);
    snprintf(message, sizeof message,
             "WRPKRU at file offset 0x%llx, in symbol deep_inside; a function may not hold this instruction",
             (unsigned long long)at);
    assert_refused(file, -EPERM, message);
    assert_site(file, NW_SCAN_WRPKRU, at, 3);
    memcpy(file->bytes + at + 4, "\x0f\xae\x2f", 3);
    snprintf(message, sizeof message,
             "WRPKRU at file offset 0x%llx, in symbol deep_inside and 1 more; a function may not hold this instruction",
             (unsigned long long)at);
    assert_refused(file, -EPERM, message);
}

/* The bytes of WRPKRU in an operand are taken out when the function is loaded. */
static void test_sequence_by_accident_passes(void **state)
{
    struct file *file = *state;
    uint64_t at = offset_of(file, "deep_inside");

    memcpy(file->bytes + at, "\xb8\x0f\x01\xef\x00\xc3", 6); /* mov $0xef010f, %eax; ret */
    assert_int_equal(check(file), 0);
    memcpy(file->bytes + at, "\x90\x90\x0f\x01\xef\xc3", 6);
    assert_int_equal(check(file), -EPERM);
    assert_non_null(strstr(file->why, "in symbol deep_inside;"));
}

/* Bytes behind the code in its last page are mapped executable with it, though no symbol and no section holds them. */
static void test_instruction_behind_the_segment(void **state)
{
    struct file *file = *state;
    const Elf64_Phdr *code = &file->elf.segments[segment_of(file, PT_LOAD, PF_X)];
    uint64_t at = ((code->p_offset + code->p_filesz + 4095) & ~4095ULL) - 4;
    char message[NW_FUNCTION_WHY_SIZE];

    memcpy(file->bytes + at, "\xf3\x0f\xae\xd8", 4);
    snprintf(message, sizeof message, "WRGSBASE at file offset 0x%llx; a function may not hold this instruction",
             (unsigned long long)at);
    assert_refused(file, -EPERM, message);
    assert_site(file, NW_SCAN_WRGSBASE, at, 4);
}

/* Two executable segments side by side in memory with the instruction across the seam. */
static void test_instruction_across_segments(void **state)
{
    struct file *file = *state;
    size_t i = segment_of(file, PT_LOAD, PF_X);
    Elf64_Phdr *code = segment(file, i), *next = segment(file, i + 1);

    code->p_filesz = code->p_memsz = 4096;
    assert_int_equal(next->p_type, PT_LOAD);
    next->p_flags |= PF_X;
    next->p_vaddr = code->p_vaddr + 4096;
    memcpy(file->bytes + next->p_offset - 1, "\x0f\x01\xef", 3);
    assert_int_equal(check(file), -EPERM);
    assert_non_null(strstr(file->why, "WRPKRU"));
    assert_site(file, NW_SCAN_WRPKRU, code->p_offset + 4095, 3);
    next->p_flags &= ~(uint32_t)PF_X;
    assert_int_equal(check(file), 0);
}

static void test_damaged_and_cut_short_at_random(void **state)
{
    struct file *file = *state;
    struct fence fence;
    uint64_t random = 4242424242;
    size_t passed = 0;

    fence_init(&fence, file->size);
    for (int round = 0; round < 20000; round++) {
        uint8_t *copy = fence_copy(&fence, file->bytes, file->size);
        for (unsigned int times = next_random(&random) % 4; times > 0; times--)
            copy[next_random(&random) % (times == 3 ? file->size : 0x600)] ^= (uint8_t)(1 << next_random(&random) % 8);
        file->why[0] = '\0';
        bool sound = nw_function_check(copy, file->size, file->why, sizeof file->why) == 0;
        assert_int_equal(sound, file->why[0] == '\0');
        passed += sound;
        size_t cut = next_random(&random) % file->size;
        nw_function_check(fence_copy(&fence, copy, cut), cut, file->why, 20);
        assert_true(strlen(file->why) < 20);
    }
    assert_true(passed > 1000);
    fence_fini(&fence);
}

#define file_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        file_test(test_sound_file_passes),
        file_test(test_not_elf),
        file_test(test_wrong_machine),
        file_test(test_wrong_kind_of_file),
        file_test(test_damaged_segments),
        file_test(test_header_table_out_of_bounds),
        file_test(test_memory_it_may_not_have),
        file_test(test_text_relocations),
        file_test(test_missing_symbols),
        file_test(test_symbol_that_is_not_code),
        file_test(test_forbidden_instructions),
        file_test(test_sequence_by_accident_passes),
        file_test(test_instruction_behind_the_segment),
        file_test(test_instruction_across_segments),
        file_test(test_damaged_and_cut_short_at_random),
    };
    return cmocka_run_group_tests_name("protect/function_check", tests, NULL, NULL);
}
