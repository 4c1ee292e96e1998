/* The instruction decoder beside Zydis, for its test and its fuzz target. */
#ifndef NW_PROTECT_TEST_SCAN_INSN_ZYDIS_H
#define NW_PROTECT_TEST_SCAN_INSN_ZYDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the instruction at code[0] as Zydis has it, 0 if it knows none. *alike: we know it too, and its parts
 * lie in the same places; or it is one of those that insn.h leaves out. */
size_t insn_compare(const uint8_t *code, size_t size, bool *alike);

#endif
