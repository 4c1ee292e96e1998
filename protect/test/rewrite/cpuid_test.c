/*
 * Tests of the answers to CPUID: the functions of cpuid_cases.S leave the same registers, memory and red zone with a
 * table that says what the processor says, and what the table says with another one; the ld.so of this machine; no
 * room; damaged files.
 */
#include "protect/rewrite/cpuid.h"
#include "protect/scan/scan.h"
#include "protect/test/fixture.h"
#include "protect/test/machine.h"
#include "protect/test/rewrite/library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CASES  "cpuid-cases.so"
#define ROUNDS 16
#define TAKEN  6 /* CPUIDs of the cases: asks_*, and plain_unknown, which asks after all */
#define LOADER "/lib64/ld-linux-x86-64.so.2"

static struct nw_cpuid_answer answers[NW_CPUID_ANSWERS_MAX];
static size_t n_answers;
static uint64_t random_state = 99;

static size_t answer(struct library *library, size_t *used)
{
    return nw_cpuid(library->code, library->code_size, library->text->p_offset, &library->elf, answers, n_answers,
                    used);
}

static void run(const struct library *library, const Elf64_Sym *symbol, struct machine machines[ROUNDS])
{
    random_state = symbol->st_value;
    for (size_t i = 0; i < ROUNDS; i++) {
        library_prepare(&machines[i], library_function(library, symbol), &random_state);
        run_with(&machines[i]);
    }
}

/* Whether the function does the same in both. */
static bool does_the_same(const struct library *a, const struct library *b, const Elf64_Sym *symbol)
{
    static struct machine before[ROUNDS], after[ROUNDS];

    run(a, symbol, before);
    run(b, symbol, after);
    for (size_t i = 0; i < ROUNDS; i++)
        after[i].function = before[i].function;
    return memcmp(before, after, sizeof before) == 0;
}

/* `true_answers`: all do what they did; else those do not that find an answer. */
static void check_cases(bool true_answers)
{
    struct library plain, changed;
    size_t used = 0, asked = 0;

    library_open(&plain, CASES);
    library_open(&changed, CASES);
    assert_int_equal(answer(&changed, &used), TAKEN);
    assert_true(used > 0);
    assert_int_equal(nw_scan(changed.code, changed.code_size, NULL, 0), 0);
    library_make_runnable(&plain);
    library_make_runnable(&changed);
    for (size_t i = 0; i < plain.elf.symtab.count; i++) {
        Elf64_Sym symbol;
        const char *name = library_symbol(&plain, i, &symbol);
        bool asks = strncmp(name, "asks_", 5) == 0;
        if (!asks && strncmp(name, "plain_", 6) != 0)
            continue;
        assert_true(does_the_same(&plain, &changed, &symbol) == (true_answers || !asks));
        asked += asks;
    }
    assert_int_equal(asked, TAKEN - 1);
    library_close(&plain);
    library_close(&changed);
}

static int ask(void **state)
{
    (void)state;
    n_answers = nw_cpuid_ask(answers);
    return 0;
}

static void need_answers(void)
{
    if (n_answers > 0)
        return;
    print_message("skipped: the processors of this machine are of different kinds\n");
    skip();
}

static void test_the_same_answers(void **state)
{
    (void)state;
    need_answers();
    check_cases(true);
}

static void test_other_answers(void **state)
{
    (void)state;
    need_answers();
    for (size_t i = 0; i < n_answers; i++)
        answers[i].edx ^= 1;
    check_cases(false);
}

/* They would be those of one processor only. */
static void test_what_names_the_processor_is_not_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_answers; i++)
        assert_true(answers[i].leaf != 1 && answers[i].leaf != 0xb && answers[i].leaf != 0x1f);
    assert_true(n_answers < NW_CPUID_ANSWERS_MAX);
}

static void test_the_loader(void **state)
{
    struct library library;
    size_t used = 0, hits;
    (void)state;

    need_answers();
    if (access(LOADER, R_OK) != 0)
        skip();
    library_open(&library, LOADER);
    hits = nw_scan(library.code, library.code_size, NULL, 0); /* its own */
    assert_true(answer(&library, &used) > 10);
    assert_in_range(used, 1, library.code_size - library.text->p_filesz);
    assert_int_equal(nw_scan(library.code, library.code_size, NULL, 0), hits);
    library_close(&library);
}

static void test_no_room(void **state)
{
    struct library library;
    size_t used;
    (void)state;

    need_answers();
    library_open(&library, CASES);
    used = library.code_size - library.text->p_filesz - 64;
    assert_int_equal(answer(&library, &used), 0);
    assert_int_equal(used, library.code_size - library.text->p_filesz - 64);
    assert_memory_equal(library.code, library.bytes + library.text->p_offset, library.text->p_filesz);
    library_close(&library);
}

/* An answer that is a forbidden instruction. */
static void test_nothing_forbidden_comes_in(void **state)
{
    struct library library;
    size_t used = 0;
    (void)state;

    need_answers();
    answers[0].eax = 0xef010f;
    library_open(&library, CASES);
    assert_int_equal(answer(&library, &used), 0);
    assert_int_equal(used, 0);
    assert_int_equal(nw_scan(library.code, library.code_size, NULL, 0), 0);
    library_close(&library);
}

static void test_damaged_at_random(void **state)
{
    struct library library;
    char why[256];
    (void)state;

    for (unsigned round = 0; round < 2000; round++) {
        library_open(&library, CASES);
        for (unsigned i = 0; i < 8; i++)
            library.bytes[next_random(&random_state) % library.size] = (uint8_t)next_random(&random_state);
        size_t offset = library.text->p_offset;
        if (nw_elf_open(&library.elf, library.bytes, library.size, why, sizeof why) == 0) {
            nw_cpuid(library.code, library.code_size, offset, &library.elf, answers, n_answers, &(size_t){0});
            assert_int_equal(nw_scan(library.code, library.code_size, NULL, 0), 0);
        }
        library_close(&library);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_same_answers, ask),
        cmocka_unit_test_setup(test_other_answers, ask),
        cmocka_unit_test_setup(test_what_names_the_processor_is_not_answered, ask),
        cmocka_unit_test_setup(test_the_loader, ask),
        cmocka_unit_test_setup(test_no_room, ask),
        cmocka_unit_test_setup(test_nothing_forbidden_comes_in, ask),
        cmocka_unit_test_setup(test_damaged_at_random, ask),
    };
    return cmocka_run_group_tests_name("protect/cpuid", tests, NULL, NULL);
}
