/*
 * Lets code find in memory what CPUID would say. In a virtual machine each CPUID goes to the hypervisor, which takes 1
 * to 2 us, and ld.so makes some 70 at each start of a program. One becomes, with its neighbours, a jump to a trampoline
 * behind the code, which looks into a table there, and asks the processor for what the table does not have.
 *
 * CPUID also waits for all instructions before it, and the trampoline does not. So this is for code that wants to know
 * what the processor can do, not for code that measures time.
 *
 * Only speed depends on this. What a trampoline does, the code around it could have done by itself.
 */
#ifndef NW_PROTECT_REWRITE_CPUID_H
#define NW_PROTECT_REWRITE_CPUID_H

/* struct nw_cpuid_answer */
#define NW_CPUID_LEAF        0
#define NW_CPUID_SUBLEAF     4
#define NW_CPUID_EAX         8
#define NW_CPUID_EBX         12
#define NW_CPUID_ECX         16
#define NW_CPUID_EDX         20
#define NW_CPUID_ANSWER_SIZE 24

/* Subleaves: ANY is of a leaf that has none; END is behind the last answer. */
#define NW_CPUID_ANY 0xffffffff
#define NW_CPUID_END 0xfffffffe

#define NW_CPUID_ANSWERS_MAX 64

#ifndef __ASSEMBLER__
#include "protect/scan/elf_file.h"

struct nw_cpuid_answer {
    uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

_Static_assert(offsetof(struct nw_cpuid_answer, leaf) == NW_CPUID_LEAF, "cpuid_code.S");
_Static_assert(offsetof(struct nw_cpuid_answer, subleaf) == NW_CPUID_SUBLEAF, "cpuid_code.S");
_Static_assert(offsetof(struct nw_cpuid_answer, eax) == NW_CPUID_EAX, "cpuid_code.S");
_Static_assert(offsetof(struct nw_cpuid_answer, ebx) == NW_CPUID_EBX, "cpuid_code.S");
_Static_assert(offsetof(struct nw_cpuid_answer, ecx) == NW_CPUID_ECX, "cpuid_code.S");
_Static_assert(offsetof(struct nw_cpuid_answer, edx) == NW_CPUID_EDX, "cpuid_code.S");
_Static_assert(sizeof(struct nw_cpuid_answer) == NW_CPUID_ANSWER_SIZE, "cpuid_code.S");

/* What ld.so asks this machine, as far as all its processors say the same. Returns how many answers; 0 where
 * processors of different kinds are mixed. */
size_t nw_cpuid_ask(struct nw_cpuid_answer answers[NW_CPUID_ANSWERS_MAX]);

/*
 * Changes `size` writable bytes, which are those of the file `elf` from `file_offset` on: whole pages that hold the
 * code of one segment. Of the room behind the code `*used` bytes are taken; what this takes is added. Takes each CPUID
 * that is one when its function is decoded from its start, as many as there is room for and of which something that
 * jumps to them would still find one. Puts in nothing that scan.h would find. Returns how many it took.
 */
size_t nw_cpuid(uint8_t *code, size_t size, uint64_t file_offset, const struct nw_elf *elf,
                const struct nw_cpuid_answer *answers, size_t n_answers, size_t *used);
#endif

#endif
