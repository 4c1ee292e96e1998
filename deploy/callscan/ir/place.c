/* See place.h. */
#include "deploy/callscan/ir/place.h"
#include <stdio.h>

void nw_place_of(LLVMValueRef instruction, struct nw_place *place)
{
    LLVMValueRef function = LLVMGetBasicBlockParent(LLVMGetInstructionParent(instruction));
    unsigned length = 0;
    const char *file = LLVMGetDebugLocFilename(instruction, &length);
    size_t name_length;
    const char *name = LLVMGetValueName2(function, &name_length);

    *place = (struct nw_place){.line = LLVMGetDebugLocLine(instruction)};
    snprintf(place->function, sizeof place->function, "%s", name);
    if (!file || place->line == 0) {
        place->line = 0;
        return;
    }
    snprintf(place->file, sizeof place->file, "%.*s", (int)length, file);
    place->column = LLVMGetDebugLocColumn(instruction);
}
