/*
 * Tests of the rewriter: the functions of rewrite_cases.S must do the same before and after, with all registers, flags,
 * memory and the red zone; what may not be rewritten is left; libraries of this machine; damaged code.
 */
#include "protect/rewrite/rewrite.h"
#include "protect/scan/elf_code.h"
#include "protect/test/fixture.h"
#include "protect/test/machine.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#define LIBRARIES "/lib/x86_64-linux-gnu"
#define PAGE      4096u
#define INT3      0xcc
#define MEMORY    2048 /* words that the cases may use */

/* The file of the cases, and memory to load it into. */
static struct {
    uint8_t *bytes;
    size_t size;
    struct nw_elf elf;
    const Elf64_Phdr *text;
    uint64_t start;   /* of the pages of text, in the file */
    size_t code_size; /* whole pages */
    uint8_t *loaded;
} cases;

static uint64_t memory[MEMORY] __attribute__((aligned(64)));
static uint64_t random_state = 77;

static int set_up(void **state)
{
    char why[256];
    (void)state;

    cases.bytes = fixture_read("rewrite-cases.so", &cases.size);
    if (cases.bytes == NULL || nw_elf_open(&cases.elf, cases.bytes, cases.size, why, sizeof why) != 0) {
        print_error("rewrite-cases.so is not beside this program\n");
        return -1;
    }
    for (size_t i = 0; i < cases.elf.header.e_phnum; i++) {
        if (cases.elf.segments[i].p_type == PT_LOAD && cases.elf.segments[i].p_flags & PF_X)
            cases.text = &cases.elf.segments[i];
    }
    cases.start = cases.text->p_offset & ~(uint64_t)(PAGE - 1);
    cases.code_size = (cases.text->p_offset + cases.text->p_filesz - cases.start + PAGE - 1) & ~(size_t)(PAGE - 1);
    cases.loaded = mmap(NULL, cases.elf.span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return cases.loaded == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    munmap(cases.loaded, cases.elf.span);
    free(cases.bytes);
    return 0;
}

static void symbol_at(size_t i, Elf64_Sym *symbol)
{
    memcpy(symbol, cases.elf.symtab.entries + i * sizeof *symbol, sizeof *symbol);
}

static const char *name_of(const Elf64_Sym *symbol)
{
    return cases.elf.symtab.strings + symbol->st_name;
}

static uint64_t address_of(const char *name)
{
    Elf64_Sym symbol;

    assert_true(nw_elf_find_local(&cases.elf, name, &symbol));
    return symbol.st_value;
}

/* Where an address lies in the image. */
static size_t in_image(uint64_t address)
{
    return address - cases.text->p_vaddr + cases.text->p_offset - cases.start;
}

static bool starts_with(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/* The image of the text, to be freed, with no other case in it than this one. */
static uint8_t *image_with(const Elf64_Sym *wanted)
{
    uint8_t *image = calloc(1, cases.code_size);
    Elf64_Sym symbol;

    assert_non_null(image);
    memcpy(image, cases.bytes + cases.start, cases.text->p_offset - cases.start + cases.text->p_filesz);
    for (size_t i = 0; i < cases.elf.symtab.count; i++) {
        symbol_at(i, &symbol);
        bool is_case = starts_with(name_of(&symbol), "case_") || starts_with(name_of(&symbol), "refuse_");
        if (is_case && symbol.st_value != wanted->st_value)
            memset(image + in_image(symbol.st_value), INT3, symbol.st_size);
    }
    return image;
}

static struct nw_rewrite_result rewrite(uint8_t *image)
{
    struct nw_rewrite_result result;

    nw_rewrite(image, cases.code_size, cases.start, &cases.elf, &result);
    return result;
}

static void load(const uint8_t *image)
{
    uint8_t *text = cases.loaded + (cases.text->p_vaddr & ~(uint64_t)(PAGE - 1));
    uint8_t *slot_0 = cases.loaded + address_of("slots");

    assert_int_equal(mprotect(text, cases.code_size, PROT_READ | PROT_WRITE), 0);
    memcpy(text, image, cases.code_size);
    memcpy(cases.loaded + address_of("pointer_8"), &slot_0, sizeof slot_0);
    memcpy(cases.loaded + address_of("pointer_9"), &slot_0, sizeof slot_0);
    assert_int_equal(mprotect(text, cases.code_size, PROT_READ | PROT_EXEC), 0);
}

static void fill(void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)next_random(&random_state);
}

/* Anything in the registers but for those that the cases address memory with. */
static void prepare(struct machine *machine, const void *function)
{
    uint64_t middle = (uint64_t)&memory[MEMORY / 2];

    fill(machine, sizeof *machine);
    machine->function = function;
    machine->flags = (machine->flags & 0x8d5) | 0x202;
    machine->registers[RDI] = middle;
    machine->registers[RSI] = middle + 512;
    machine->registers[RCX] = 8;
    machine->registers[R8] = -(uint64_t)0xef010f - 64;
    machine->registers[R11] = middle + 0x2f51f00d;
    machine->registers[R12] = middle - 0xef010f;
    machine->registers[R13] = middle + 256 - 0xef010f;
    machine->registers[R14] = middle - 0x2fae0f;
}

#define ROUNDS 16

struct outcome {
    struct machine machine;
    uint64_t memory[MEMORY];
};

/* Runs a function from the same states whenever it is called with the same seed. */
static void run(uint64_t seed, const void *function, struct outcome outcomes[ROUNDS])
{
    random_state = seed;
    for (size_t i = 0; i < ROUNDS; i++) {
        prepare(&outcomes[i].machine, function);
        fill(memory, sizeof memory);
        run_with(&outcomes[i].machine);
        memcpy(outcomes[i].memory, memory, sizeof memory);
    }
}

static bool can_run(const char *name)
{
    if (starts_with(name, "case_avx512"))
        return __builtin_cpu_supports("avx512vl");
    return !starts_with(name, "case_avx") || __builtin_cpu_supports("avx2");
}

static void check_same(const char *name, const struct outcome *before, const struct outcome *after)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        if (memcmp(&before[i], &after[i], sizeof before[i]) == 0)
            continue;
        for (size_t j = 0; j < sizeof(struct outcome); j++) {
            if (((const uint8_t *)&before[i])[j] != ((const uint8_t *)&after[i])[j])
                fail_msg("%s leaves something else at byte %zu of struct outcome", name, j);
        }
    }
}

/* Nothing but the function and the room for trampolines may have changed. */
static void check_extent(const Elf64_Sym *symbol, const uint8_t *before, const uint8_t *after)
{
    size_t start = in_image(symbol->st_value), end = start + symbol->st_size;
    size_t room = in_image(cases.text->p_vaddr + cases.text->p_filesz);

    assert_memory_equal(before, after, start);
    assert_memory_equal(before + end, after + end, room - end);
    assert_memory_equal(before + cases.code_size - NW_SCAN_CONTEXT, after + cases.code_size - NW_SCAN_CONTEXT,
                        NW_SCAN_CONTEXT);
}

static void check_case(const Elf64_Sym *symbol)
{
    static struct outcome before[ROUNDS], after[ROUNDS];
    const void *function = cases.loaded + symbol->st_value;
    uint8_t *image = image_with(symbol), *old = image_with(symbol);
    size_t hits = nw_scan(image, cases.code_size, NULL, 0);

    struct nw_rewrite_result result = rewrite(image);
    if (hits == 0 || result.left != 0 || result.rewritten == 0 || result.rewritten > hits)
        fail_msg("%s: %zu of %zu rewritten, %zu left", name_of(symbol), result.rewritten, hits, result.left);
    assert_int_equal(nw_scan(image, cases.code_size, NULL, 0), 0);
    check_extent(symbol, old, image);
    if (can_run(name_of(symbol))) {
        load(old);
        run(symbol->st_value, function, before);
        load(image);
        run(symbol->st_value, function, after);
        check_same(name_of(symbol), before, after);
    }
    free(image);
    free(old);
}

/* Calls `check` for every symbol that starts so; how many these are. */
static size_t for_each(const char *start, void (*check)(const Elf64_Sym *))
{
    size_t count = 0;

    for (size_t i = 0; i < cases.elf.symtab.count; i++) {
        Elf64_Sym symbol;
        symbol_at(i, &symbol);
        if (!starts_with(name_of(&symbol), start))
            continue;
        check(&symbol);
        count++;
    }
    return count;
}

static void test_cases_do_the_same(void **state)
{
    (void)state;
    assert_true(for_each("case_", check_case) > 80);
}

static void check_without_symbols(const Elf64_Sym *symbol)
{
    struct nw_elf_symbols symbols = cases.elf.symtab;
    uint8_t *image = image_with(symbol);

    cases.elf.symtab.count = 0;
    struct nw_rewrite_result result = rewrite(image);
    cases.elf.symtab = symbols;
    bool expected = strcmp(name_of(symbol), "case_only_symbol") != 0;
    if ((result.left == 0) != expected)
        fail_msg("%s: %zu left", name_of(symbol), result.left);
    free(image);
}

static void test_stripped(void **state)
{
    (void)state;
    for_each("case_", check_without_symbols);
}

static void check_refused(const Elf64_Sym *symbol)
{
    uint8_t *image = image_with(symbol);
    struct nw_scan_hit hit;

    size_t hits = nw_scan(image, cases.code_size, &hit, 1);
    struct nw_rewrite_result result = rewrite(image);
    if (hits == 0 || result.left != hits || result.rewritten != 0)
        fail_msg("%s: %zu rewritten, %zu left", name_of(symbol), result.rewritten, result.left);
    assert_int_equal(result.hit.offset, hit.offset);
    assert_int_equal(result.hit.kind, hit.kind);
    free(image);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_true(for_each("refuse_", check_refused) > 10);
}

/* How many hits of one case stay when `size` bytes are free behind the code. */
static size_t left_with_room(const char *name, size_t size)
{
    Elf64_Phdr *text = (Elf64_Phdr *)(uintptr_t)cases.text, sound = *text;
    Elf64_Sym symbol;

    assert_true(nw_elf_find_local(&cases.elf, name, &symbol));
    uint8_t *image = image_with(&symbol);
    text->p_filesz = text->p_memsz = cases.start + cases.code_size - text->p_offset - size;
    struct nw_rewrite_result result = rewrite(image);
    *text = sound;
    free(image);
    return result.left;
}

static void test_room(void **state)
{
    const size_t trampoline = 5 + 2 + 5; /* mov, not, jmp */
    (void)state;

    assert_int_equal(left_with_room("case_move_32", trampoline + NW_SCAN_CONTEXT), 0);
    assert_int_equal(left_with_room("case_move_32", trampoline + NW_SCAN_CONTEXT - 1), 1);
    assert_int_equal(left_with_room("case_move_32", 5), 1);
    assert_int_equal(left_with_room("case_move_32", 0), 1);
}

static void test_room_that_others_use(void **state)
{
    Elf64_Phdr *text = (Elf64_Phdr *)(uintptr_t)cases.text, *next = text + 1, sound_text = *text, sound_next = *next;
    struct nw_elf_range slack = nw_elf_code_slack(&cases.elf, text);
    (void)state;

    assert_int_equal(slack.start, text->p_offset + text->p_filesz);
    assert_int_equal(slack.end, cases.start + cases.code_size);
    assert_int_equal(next->p_type, PT_LOAD);
    next->p_offset = slack.start + 5;
    assert_int_equal(nw_elf_code_slack(&cases.elf, text).end, slack.start + 5);
    next->p_offset = slack.start - 5;
    slack = nw_elf_code_slack(&cases.elf, text);
    assert_int_equal(slack.start, slack.end);
    *next = sound_next;
    text->p_memsz++;
    slack = nw_elf_code_slack(&cases.elf, text);
    assert_int_equal(slack.start, slack.end);
    *text = sound_text;
}

/* A part of a file's code, or a file that is none, is as it was. */
static void test_nothing_known(void **state)
{
    struct nw_rewrite_result result;
    Elf64_Sym symbol;
    (void)state;

    assert_true(nw_elf_find_local(&cases.elf, "case_move_32", &symbol));
    uint8_t *image = image_with(&symbol);
    nw_rewrite(image, cases.code_size, cases.start, NULL, &result);
    assert_int_equal(result.left, 1);
    size_t page = in_image(symbol.st_value) & ~(size_t)(PAGE - 1);
    nw_rewrite(image + page, PAGE, cases.start + page, &cases.elf, &result);
    assert_int_equal(result.left, 1);
    assert_int_equal(result.hit.offset, in_image(symbol.st_value) + 1 - page);
    nw_rewrite(image, cases.code_size, cases.start + ((uint64_t)1 << 40), &cases.elf, &result);
    assert_int_equal(result.left, 1);
    free(image);
}

static void test_all_at_once_has_a_limit(void **state)
{
    uint8_t *image = calloc(1, cases.code_size);
    (void)state;

    memcpy(image, cases.bytes + cases.start, cases.text->p_filesz);
    struct nw_rewrite_result result = rewrite(image);
    assert_int_equal(result.rewritten, NW_REWRITE_MAX);
    assert_true(result.left > 0);
    free(image);
}

/* The code of a library, as it is mapped. */
static size_t try_segment(const struct nw_elf *elf, const Elf64_Phdr *segment, struct nw_rewrite_result *result)
{
    uint64_t start = segment->p_offset & ~(uint64_t)(PAGE - 1);
    size_t size = (segment->p_offset + segment->p_filesz - start + PAGE - 1) & ~(size_t)(PAGE - 1);
    size_t there = elf->size - start < size ? elf->size - start : size;
    size_t hits = nw_scan(elf->bytes + start, there, NULL, 0);

    if (hits == 0)
        return 0;
    uint8_t *code = calloc(1, size);
    assert_non_null(code);
    memcpy(code, elf->bytes + start, there);
    nw_rewrite(code, size, start, elf, result);
    assert_int_equal(nw_scan(code, size, NULL, 0), result->left);
    result->hit.offset += start;
    free(code);
    return hits;
}

/* Libraries whose forbidden sequences are real, or data that is mapped executable. */
static const char *const really_forbidden[] = {"libc.so.6", "ld-linux-x86-64.so.2", "libLLVM", "libclang"};

static bool is_really_forbidden(const char *name)
{
    for (size_t i = 0; i < sizeof really_forbidden / sizeof really_forbidden[0]; i++) {
        if (starts_with(name, really_forbidden[i]))
            return true;
    }
    return false;
}

static void try_library(const char *folder, const char *name, size_t *rewritten, size_t *refused)
{
    char path[512], why[256];
    struct nw_rewrite_result result = {0};
    struct nw_elf elf;
    size_t size;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    uint8_t *bytes = fixture_read(path, &size);
    if (bytes == NULL)
        return;
    bool sound = nw_elf_open(&elf, bytes, size, why, sizeof why) == 0;
    for (size_t i = 0; sound && i < elf.header.e_phnum && result.left == 0; i++) {
        if (elf.segments[i].p_type != PT_LOAD || !(elf.segments[i].p_flags & PF_X))
            continue;
        size_t hits = try_segment(&elf, &elf.segments[i], &result);
        *rewritten += hits != 0 && result.left == 0;
        *refused += result.left != 0;
        if (hits != 0)
            print_message("%s: %zu hits, %zu rewritten, %s\n", name, hits, result.rewritten,
                          result.left == 0 ? "accepted" : "refused");
        if (result.left != 0 && !is_really_forbidden(name))
            fail_msg("%s: %s at %#zx", name, nw_scan_kind_name(result.hit.kind), result.hit.offset);
    }
    free(bytes);
}

static void test_libraries(void **state)
{
    DIR *folder = opendir(LIBRARIES);
    size_t rewritten = 0, refused = 0;
    (void)state;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[sizeof LIBRARIES + 1 + sizeof entry->d_name];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", LIBRARIES, entry->d_name);
        if (strstr(entry->d_name, ".so") != NULL && lstat(path, &st) == 0 && S_ISREG(st.st_mode))
            try_library(LIBRARIES, entry->d_name, &rewritten, &refused);
    }
    closedir(folder);
    print_message("%zu libraries rewritten, %zu refused\n", rewritten, refused);
    assert_true(refused >= 1); /* libc, which has pkey_set */
}

/* Damages the code, the tables and the headers. Whatever comes of it, success means that nothing is left. */
static void test_damaged_at_random(void **state)
{
    uint8_t *bytes = malloc(cases.size), *image = malloc(cases.code_size);
    uint64_t random = 987654321;
    size_t succeeded = 0, text = cases.text->p_offset, from = in_image(address_of("case_call"));
    char why[256];
    (void)state;

    assert_non_null(bytes);
    assert_non_null(image);
    for (int round = 0; round < 1500; round++) {
        struct nw_rewrite_result result;
        struct nw_elf elf;
        memcpy(bytes, cases.bytes, cases.size);
        for (int i = 0; i < 40; i++) { /* the cases, which are the last 6 KiB of code; what follows; the headers */
            size_t where = next_random(&random) % 8, at = next_random(&random);
            at = where == 0   ? at % 0x240
                 : where == 1 ? text + cases.text->p_filesz + at % (cases.size - text - cases.text->p_filesz)
                              : cases.start + from + at % (cases.code_size - from);
            bytes[at] = where % 2 ? (uint8_t)next_random(&random) : bytes[at] ^ (uint8_t)(1 << at % 8);
        }
        if (nw_elf_open(&elf, bytes, cases.size, why, sizeof why) != 0)
            continue;
        memcpy(image, bytes + cases.start, cases.code_size);
        size_t cut = next_random(&random) % 2 ? from & ~(size_t)(PAGE - 1) : 0;
        nw_rewrite(image + cut, cases.code_size - cut, cases.start + cut, &elf, &result);
        size_t left = nw_scan(image + cut, cases.code_size - cut, NULL, 0);
        assert_int_equal(left, result.left);
        succeeded += result.rewritten > 0;
    }
    assert_true(succeeded > 100);
    free(bytes);
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_do_the_same),
        cmocka_unit_test(test_stripped),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_room_that_others_use),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_all_at_once_has_a_limit),
        cmocka_unit_test(test_libraries),
        cmocka_unit_test(test_damaged_at_random),
    };
    return cmocka_run_group_tests_name("protect/rewrite", tests, set_up, tear_down);
}
