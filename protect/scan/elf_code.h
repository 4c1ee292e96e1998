/*
 * Which bytes of an ELF file are the code of one function, as its unwind table or its symbols tell, and which bytes
 * behind the code of a segment nobody uses. Trusts no more than elf_file.h; a file can lie about both, so nothing of
 * security may follow from the answers.
 */
#ifndef NW_PROTECT_SCAN_ELF_CODE_H
#define NW_PROTECT_SCAN_ELF_CODE_H

#include "protect/scan/elf_file.h"

/* start and end in the file, end excluded. */
struct nw_elf_range {
    uint64_t start, end;
};

/* The executable PT_LOAD segment that holds an offset of the file, NULL when there is none. */
const Elf64_Phdr *nw_elf_code_segment(const struct nw_elf *elf, uint64_t file_offset);

/* The code around an offset that is decoded from its start to its end: that of an entry of .eh_frame_hdr, else of a
 * symbol with a size. Lies within the segment. */
bool nw_elf_code_range(const struct nw_elf *elf, const Elf64_Phdr *segment, uint64_t file_offset,
                       struct nw_elf_range *range);

/* Whether a symbol points into the range, its start excepted. */
bool nw_elf_symbol_inside(const struct nw_elf *elf, const Elf64_Phdr *segment, const struct nw_elf_range *range);

/*
 * What is mapped with the segment's last page but belongs to nothing that is mapped. Empty when the segment has memory
 * without a file behind it, which would lie there.
 */
struct nw_elf_range nw_elf_code_slack(const struct nw_elf *elf, const Elf64_Phdr *segment);

#endif
