/* Tests of the search for LDTILECFG: every form that a disassembler knows, wherever it lies and however it is cut. */
#include "protect/scan/scan.h"
#include "protect/scan/tiles.h"

#include <Zydis/Zydis.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE 4096

static const uint8_t ldtilecfg[] = {0xc4, 0xe2, 0x78, 0x49, 0x07}; /* (%rdi) */
static const uint8_t sttilecfg[] = {0xc4, 0xe2, 0x79, 0x49, 0x07}; /* (%rdi) */
static const uint8_t tilerelease[] = {0xc4, 0xe2, 0x78, 0x49, 0xc0};

static bool is_ldtilecfg(const uint8_t *code, size_t size)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction instruction;

    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, code, size, &instruction)) &&
           instruction.mnemonic == ZYDIS_MNEMONIC_LDTILECFG;
}

static void every_form_is_found(void **state)
{
    uint8_t code[16] = {[3] = 0x49};
    unsigned int known = 0;

    (void)state;
    for (unsigned int bits = 0; bits < 1u << 24; bits++) {
        code[0] = 0xc4;
        code[1] = (uint8_t)bits;
        code[2] = (uint8_t)(bits >> 8);
        code[4] = (uint8_t)(bits >> 16);
        if ((code[1] & 0x1f) != 2 || !is_ldtilecfg(code, sizeof(code)))
            continue;
        known++;
        if (!nw_tiles_set_by(code, sizeof(code)))
            fail_msg("%02x %02x %02x %02x %02x is not found", code[0], code[1], code[2], code[3], code[4]);
    }
    assert_true(known > 0);
}

static void others_are_not(void **state)
{
    (void)state;
    assert_false(nw_tiles_set_by(sttilecfg, sizeof(sttilecfg)));
    assert_false(nw_tiles_set_by(tilerelease, sizeof(tilerelease)));
    assert_false(nw_tiles_set_by(ldtilecfg, sizeof(ldtilecfg) - 1));
    assert_false(nw_tiles_set_by(ldtilecfg, 0));
}

/* At each place of pieces of each size, and cut in two at each byte. Behind a piece nothing may be read. */
static void it_is_found_wherever_it_lies(void **state)
{
    uint8_t *pages = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_return_code(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    for (size_t size = sizeof(ldtilecfg); size <= 64; size++) {
        uint8_t *code = pages + PAGE - size;

        for (size_t at = 0; at + sizeof(ldtilecfg) <= size; at++) {
            memset(code, 0xc4, size);
            memcpy(code + at, ldtilecfg, sizeof(ldtilecfg));
            assert_true(nw_tiles_set_by(code, size));
        }
    }
    assert_return_code(munmap(pages, (size_t)2 * PAGE), 0);
}

static void it_is_found_at_every_cut(void **state)
{
    uint8_t code[2 * NW_SCAN_CONTEXT];

    (void)state;
    for (size_t at = 0; at + sizeof(ldtilecfg) <= sizeof(code); at++) {
        memset(code, 0, sizeof(code));
        memcpy(code + at, ldtilecfg, sizeof(ldtilecfg));
        assert_int_equal(nw_tiles_set_at_seam(code, NW_SCAN_CONTEXT, code + NW_SCAN_CONTEXT),
                         at < NW_SCAN_CONTEXT && at + sizeof(ldtilecfg) > NW_SCAN_CONTEXT);
    }
}

static void it_is_found_in_this_process(void **state)
{
    bool set = true;
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(page, MAP_FAILED);
    memcpy(page + 1000, ldtilecfg, sizeof(ldtilecfg));
    assert_int_equal(nw_tiles_set_here(&set), 0);
    assert_false(set);
    assert_return_code(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
    assert_int_equal(nw_tiles_set_here(&set), 0);
    assert_true(set);
    assert_return_code(munmap(page, PAGE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_found),          cmocka_unit_test(others_are_not),
        cmocka_unit_test(it_is_found_wherever_it_lies), cmocka_unit_test(it_is_found_at_every_cut),
        cmocka_unit_test(it_is_found_in_this_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
