/*
 * The instruction decoder at every byte of the input, beside Zydis, and by itself: the parts of an instruction lie
 * within it, in order, and no byte behind it matters.
 */
#include "common/test/fuzz.h"
#include "protect/scan/insn.h"
#include "protect/test/scan/insn_zydis.h"
#include <string.h>

static void check_parts(const uint8_t *code, size_t size)
{
    struct nw_insn insn, again;
    if (!nw_insn_decode(code, size, &insn))
        return;
    NW_FUZZ_CHECK(insn.length >= 1 && insn.length <= NW_INSN_MAX && insn.length <= size);
    NW_FUZZ_CHECK(insn.opcode_at < insn.length && (!insn.modrm_at || insn.modrm_at > insn.opcode_at));
    NW_FUZZ_CHECK(!insn.disp_size || (insn.disp_at > insn.modrm_at && insn.disp_at + insn.disp_size <= insn.length));
    NW_FUZZ_CHECK(!insn.imm_size || (insn.imm_at > insn.opcode_at && insn.imm_at + insn.imm_size <= insn.length));
    NW_FUZZ_CHECK(!nw_insn_direct_branch(code, &insn) || insn.imm_at + insn.imm_size == insn.length);
    NW_FUZZ_CHECK(!nw_insn_rip_relative(code, &insn) || insn.disp_size == 4);

    uint8_t alone[NW_INSN_MAX];
    memcpy(alone, code, insn.length);
    NW_FUZZ_CHECK(nw_insn_decode(alone, insn.length, &again) && !memcmp(&insn, &again, sizeof insn));
    NW_FUZZ_CHECK(!nw_insn_decode(alone, insn.length - 1u, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        bool alike;
        insn_compare(data + at, size - at, &alike);
        NW_FUZZ_CHECK(alike);
        check_parts(data + at, size - at);
    }
    return 0;
}
