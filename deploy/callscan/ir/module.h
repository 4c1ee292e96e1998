/* Reading a module of LLVM's bitcode or IR, and making it ready for the analysis. */
#ifndef NW_DEPLOY_CALLSCAN_IR_MODULE_H
#define NW_DEPLOY_CALLSCAN_IR_MODULE_H

#include <llvm-c/Core.h>
#include <stdbool.h>
#include <stddef.h>

#define NW_MODULE_SIZE_MAX (64u << 20) /* bytes */

/*
 * The module in a file's bytes: bitcode, IR as text, or an object file of `clang -fembed-bitcode`. NULL with the reason
 * in `why`. LLVM may end the process over a damaged one: read what is not trusted in a process of its own.
 */
LLVMModuleRef nw_module_read(LLVMContextRef context, const char *path, const void *bytes, size_t size, char *why,
                             size_t why_size);

/* Adds the second to the first; the second is gone. 0, or -EINVAL with the reason. */
int nw_module_link(LLVMModuleRef module, LLVMModuleRef other, char *why, size_t why_size);

/*
 * Puts local variables into registers and small functions where they are called, also those of code that was not
 * optimised: what is assigned last, and by which caller, is then known without following memory. Functions that `keep`
 * names stay. Changes the module. 0, or -EINVAL with the reason.
 */
int nw_module_prepare(LLVMModuleRef module, bool (*keep)(LLVMValueRef function), char *why, size_t why_size);

#endif
