/* The comparison of insn_zydis.h. */
#include "protect/test/scan/insn_zydis.h"
#include "protect/scan/insn.h"

#include <Zydis/Zydis.h>

static bool same_parts(const struct nw_insn *ours, const ZydisDecodedInstruction *theirs)
{
    size_t imm_size = (theirs->raw.imm[0].size + theirs->raw.imm[1].size) / 8u;
    bool direct = ours->map == 0 && (ours->opcode & 0xfc) == 0xa0;        /* whose address is a displacement to Zydis */
    bool is_3dnow = theirs->encoding == ZYDIS_INSTRUCTION_ENCODING_3DNOW; /* whose last byte is its opcode */

    if (direct)
        return ours->length == theirs->length && ours->imm_size == theirs->raw.disp.size / 8u;
    if (ours->length != theirs->length || ours->disp_size != theirs->raw.disp.size / 8u)
        return false;
    if (ours->disp_size != 0 && ours->disp_at != theirs->raw.disp.offset)
        return false;
    if (ours->modrm_at != (theirs->attributes & ZYDIS_ATTRIB_HAS_MODRM ? theirs->raw.modrm.offset : 0))
        return false;
    return is_3dnow || (ours->imm_size == imm_size && (imm_size == 0 || ours->imm_at == theirs->raw.imm[0].offset));
}

size_t insn_compare(const uint8_t *code, size_t size, bool *alike)
{
    static ZydisDecoder zydis;
    ZydisDecodedInstruction theirs;
    struct nw_insn ours;

    *alike = true;
    ZydisDecoderInit(&zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&zydis, NULL, code, size, &theirs)))
        return 0;
    bool knights_corner =
        theirs.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && theirs.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE;
    bool missing = theirs.encoding == ZYDIS_INSTRUCTION_ENCODING_XOP ||
                   theirs.encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX || knights_corner ||
                   theirs.mnemonic == ZYDIS_MNEMONIC_EXTRQ || theirs.mnemonic == ZYDIS_MNEMONIC_INSERTQ;
    *alike = missing || (nw_insn_decode(code, size, &ours) && same_parts(&ours, &theirs));
    return theirs.length;
}
