/* Where in the source an instruction comes from. */
#ifndef NW_DEPLOY_CALLSCAN_IR_PLACE_H
#define NW_DEPLOY_CALLSCAN_IR_PLACE_H

#include <llvm-c/Core.h>
#include <stdint.h>

struct nw_place {
    char file[1024];     /* as the compiler was given it; "" without debug information */
    char function[1024]; /* that it is in now, by its linker's name */
    uint32_t line, column;
};

void nw_place_of(LLVMValueRef instruction, struct nw_place *place);

#endif
