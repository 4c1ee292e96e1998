/* The call sites of a module. */
#ifndef NW_DEPLOY_CALLSCAN_FIND_FIND_H
#define NW_DEPLOY_CALLSCAN_FIND_FIND_H

#include "common/sites/sites.h"
#include <llvm-c/Core.h>

/* Whether the analysis knows a function by its name: it must not be inlined before. */
bool nw_find_keeps(LLVMValueRef function);

/* Finds them. The module is read only. Free what there is with nw_found_free. */
struct nw_found *nw_find(LLVMModuleRef module);
const struct nw_sites *nw_found_sites(const struct nw_found *found);
void nw_found_free(struct nw_found *found);

#endif
