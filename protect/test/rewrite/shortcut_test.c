/*
 * Tests of the shortcut: the wrappers of shortcut_cases.S must leave the same registers, memory and red zone whether
 * the kernel, the gate, or the gate's refusal and then the kernel answers; what is no wrapper stays as it is; the libc
 * of this machine; no room; damaged files.
 */
#include "protect/rewrite/shortcut.h"
#include "protect/scan/scan.h"
#include "protect/test/fixture.h"
#include "protect/test/machine.h"
#include "protect/test/rewrite/library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define OPERATION 7
#define DIRECT    5 /* cases */
#define ROUNDS    16
#define LIBC      "/lib/x86_64-linux-gnu/libc.so.6"

/* What the gate returns in rax and rdx. Its GETPID is one more than the kernel's. */
struct answer {
    uint64_t result, second;
};

extern const char test_gate[];
struct answer take_call(uint64_t operation, const struct nw_shortcut_call *call);

static struct nw_shortcut_call taken;
static unsigned n_taken;
static uint64_t answer_second;
static uint64_t random_state = 99;

struct answer take_call(uint64_t operation, const struct nw_shortcut_call *call)
{
    assert_int_equal(operation, OPERATION);
    taken = *call;
    n_taken++;
    return (struct answer){(uint64_t)getpid() + 1, answer_second};
}

static bool only_getpid(uint32_t number)
{
    return number == SYS_getpid;
}

static bool everything(uint32_t number)
{
    (void)number;
    return true;
}

static size_t shorten(struct library *library, bool (*wanted)(uint32_t number))
{
    const struct nw_shortcut_gate gate = {(uint64_t)test_gate, OPERATION, wanted};

    size_t used = 0;

    return nw_shortcut(library->code, library->code_size, library->text->p_offset, &library->elf, &gate, &used);
}

/* Runs one function ROUNDS times from the same states. */
static void run(const struct library *library, const Elf64_Sym *symbol, struct machine machines[ROUNDS])
{
    random_state = symbol->st_value;
    for (size_t i = 0; i < ROUNDS; i++) {
        unsigned before = n_taken;

        library_prepare(&machines[i], library_function(library, symbol), &random_state);
        run_with(&machines[i]);
        if (n_taken != before && answer_second == NW_SHORTCUT_DONE)
            machines[i].registers[RAX]--;
    }
}

static void check_cases(uint64_t second)
{
    static struct machine before[ROUNDS], after[ROUNDS];
    struct library plain, shortened;
    unsigned direct = 0;

    library_open(&plain, "shortcut-cases.so");
    library_open(&shortened, "shortcut-cases.so");
    assert_int_equal(shorten(&shortened, only_getpid), DIRECT);
    assert_int_equal(nw_scan(shortened.code, shortened.code_size, NULL, 0), 0);
    library_make_runnable(&plain);
    library_make_runnable(&shortened);
    answer_second = second;
    for (size_t i = 0; i < plain.elf.symtab.count; i++) {
        Elf64_Sym symbol;
        const char *name = library_symbol(&plain, i, &symbol);
        if (strncmp(name, "direct_", 7) != 0 && strncmp(name, "plain_", 6) != 0)
            continue;
        run(&plain, &symbol, before);
        n_taken = 0;
        run(&shortened, &symbol, after);
        for (size_t j = 0; j < ROUNDS; j++) {
            after[j].function = before[j].function;
            after[j].registers[RCX] += (uint64_t)plain.code - (uint64_t)shortened.code;
            assert_memory_equal(&before[j], &after[j], sizeof before[j]);
        }
        direct += n_taken > 0;
        assert_true((n_taken > 0) == (name[0] == 'd'));
    }
    assert_int_equal(direct, DIRECT);
    library_close(&plain);
    library_close(&shortened);
}

static void test_the_gate_answers(void **state)
{
    (void)state;
    check_cases(NW_SHORTCUT_DONE);
}

static void test_the_gate_does_not_answer(void **state)
{
    (void)state;
    check_cases(NW_SHORTCUT_MISS);
}

static void test_the_gate_sees_the_call(void **state)
{
    struct library library;
    struct machine machine;
    Elf64_Sym symbol;
    (void)state;

    library_open(&library, "shortcut-cases.so");
    assert_int_equal(shorten(&library, only_getpid), DIRECT);
    library_make_runnable(&library);
    assert_true(nw_elf_find_exported(&library.elf, "direct_wrapper", &symbol));
    const uint8_t *function = library_function(&library, &symbol);
    library_prepare(&machine, function, &random_state);
    const struct nw_shortcut_call expected = {
        {machine.registers[RDI], machine.registers[RSI], machine.registers[RDX], machine.registers[R10],
         machine.registers[R8], machine.registers[R9]},
        SYS_getpid,
        (uint64_t)function + 5,
    };
    run_with(&machine);
    assert_memory_equal(&taken, &expected, sizeof taken);
    library_close(&library);
}

/* Whether what is a load in the file jumps to code behind the segment now. */
static bool is_site(const struct library *library, size_t at)
{
    const uint8_t *old = library->bytes + library->text->p_offset + at, *new = library->code + at;
    int32_t distance;

    memcpy(&distance, new + 1, sizeof distance);
    return old[0] == 0xb8 && new[0] == 0xe9 && at + 5 + (uint64_t)(int64_t)distance >= library->text->p_filesz;
}

static void test_libc(void **state)
{
    struct library library;
    size_t sites = 0, shortened;
    (void)state;

    if (access(LIBC, R_OK) != 0)
        skip();
    library_open(&library, LIBC);
    shortened = shorten(&library, only_getpid);
    assert_in_range(shortened, 1, 8);
    library_close(&library);
    library_open(&library, LIBC);
    shortened = shorten(&library, everything);
    for (size_t at = 0; at < library.text->p_filesz;) {
        if (library.code[at] == library.bytes[library.text->p_offset + at]) {
            at++;
            continue;
        }
        assert_true(is_site(&library, at));
        sites++;
        at += 5;
    }
    assert_int_equal(sites, shortened);
    assert_true(shortened > 100);
    library_close(&library);
}

static void test_no_room(void **state)
{
    struct library library;
    (void)state;

    library_open(&library, "shortcut-cases.so");
    for (size_t i = 0; i < library.elf.header.e_phnum; i++)
        if (&library.elf.segments[i] == library.text)
            library.elf.segments[i].p_filesz = library.elf.segments[i].p_memsz = library.code_size - 64;
    uint8_t *old = malloc(library.code_size);
    assert_non_null(old);
    memcpy(old, library.code, library.code_size);
    assert_int_equal(shorten(&library, only_getpid), 0);
    assert_memory_equal(library.code, old, library.code_size);
    free(old);
    library_close(&library);
}

/* A gate whose address would put a forbidden instruction into the library. */
static void test_nothing_forbidden_comes_in(void **state)
{
    const struct nw_shortcut_gate gate = {0x7f0000ef010full, OPERATION, only_getpid};
    struct library library;
    size_t used = 0;
    (void)state;

    library_open(&library, "shortcut-cases.so");
    uint8_t *old = malloc(library.code_size);
    assert_non_null(old);
    memcpy(old, library.code, library.code_size);
    assert_int_equal(nw_shortcut(library.code, library.code_size, library.text->p_offset, &library.elf, &gate, &used),
                     0);
    assert_int_equal(used, 0);
    assert_memory_equal(library.code, old, library.code_size);
    free(old);
    library_close(&library);
}

static void test_damaged_at_random(void **state)
{
    struct library library;
    char why[256];
    (void)state;

    for (unsigned round = 0; round < 2000; round++) {
        library_open(&library, "shortcut-cases.so");
        for (unsigned i = 0; i < 8; i++)
            library.bytes[next_random(&random_state) % library.size] = (uint8_t)next_random(&random_state);
        size_t offset = library.text->p_offset;
        if (nw_elf_open(&library.elf, library.bytes, library.size, why, sizeof why) == 0) {
            const struct nw_shortcut_gate gate = {(uint64_t)test_gate, OPERATION, everything};
            nw_shortcut(library.code, library.code_size, offset, &library.elf, &gate, &(size_t){0});
            assert_int_equal(nw_scan(library.code, library.code_size, NULL, 0), 0);
        }
        library_close(&library);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_gate_answers),
        cmocka_unit_test(test_the_gate_does_not_answer),
        cmocka_unit_test(test_the_gate_sees_the_call),
        cmocka_unit_test(test_libc),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_nothing_forbidden_comes_in),
        cmocka_unit_test(test_damaged_at_random),
    };
    return cmocka_run_group_tests_name("protect/shortcut", tests, NULL, NULL);
}
