/*
 * Lets the system calls of a library go straight to a gate instead of through the kernel and a signal. Where a wrapper
 * loads a number and calls (`mov $nr,%eax; syscall`, and what sets arguments may stand between the two), the load
 * becomes a jump to a stub behind the code, which does what stood between and calls the gate with the number and the
 * six arguments in memory. The SYSCALL itself stays where it is: the stub goes back to it when the gate does not
 * answer, and whatever else reaches it is dispatched as before.
 *
 * Only speed depends on this. What a stub does, the code around it could have done by itself.
 */
#ifndef NW_PROTECT_REWRITE_SHORTCUT_H
#define NW_PROTECT_REWRITE_SHORTCUT_H

/* struct nw_shortcut_call */
#define NW_SHORTCUT_ARGS   0
#define NW_SHORTCUT_NUMBER 48
#define NW_SHORTCUT_AT     56
#define NW_SHORTCUT_SIZE   64

#ifndef __ASSEMBLER__
#include "protect/scan/elf_file.h"

/* What a stub leaves in memory for the gate, whose first argument (rsi) is its address. */
struct nw_shortcut_call {
    uint64_t args[6];
    uint64_t number;
    uint64_t at; /* of the SYSCALL instruction that it stands for */
};

_Static_assert(offsetof(struct nw_shortcut_call, args) == NW_SHORTCUT_ARGS, "shortcut_code.S");
_Static_assert(offsetof(struct nw_shortcut_call, number) == NW_SHORTCUT_NUMBER, "shortcut_code.S");
_Static_assert(offsetof(struct nw_shortcut_call, at) == NW_SHORTCUT_AT, "shortcut_code.S");
_Static_assert(sizeof(struct nw_shortcut_call) == NW_SHORTCUT_SIZE, "shortcut_code.S");

/* The gate's second result (rdx): 0 when the first is the system call's, otherwise the kernel is asked after all. */
#define NW_SHORTCUT_DONE 0
#define NW_SHORTCUT_MISS 1

struct nw_shortcut_gate {
    uint64_t address;   /* called with the convention of nw_gate_enter_* */
    uint32_t operation; /* its first argument (rdi) */
    bool (*wanted)(uint32_t number);
};

/*
 * Changes `size` writable bytes, which are those of the file `elf` from `file_offset` on: whole pages that hold the
 * code of one segment. Of the room behind the code `*used` bytes are taken; what this takes is added. Takes the
 * wrappers whose number is wanted and whose two instructions are such when their function is decoded from its start, as
 * many as there is room for. Puts in nothing that scan.h would find, or nothing at all. Stubs keep away from the last
 * NW_SCAN_CONTEXT bytes of a page. Returns how many wrappers take the shortcut. Several threads may do this at once.
 */
size_t nw_shortcut(uint8_t *code, size_t size, uint64_t file_offset, const struct nw_elf *elf,
                   const struct nw_shortcut_gate *gate, size_t *used);
#endif

#endif
