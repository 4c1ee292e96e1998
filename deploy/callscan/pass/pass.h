/* The analysis as a pass of LLVM: what its plugin interface, which is C++, calls of ours. */
#ifndef NW_DEPLOY_CALLSCAN_PASS_PASS_H
#define NW_DEPLOY_CALLSCAN_PASS_PASS_H

#include <llvm-c/Core.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Finds the call sites of a module and adds them to it, for the section .nightward.calls of its object file. The code
 * of the module stays as it is. Whether something was added: not when there are neither sites nor the entries of a
 * function.
 */
bool nw__pass_run(LLVMModuleRef module);

#ifdef __cplusplus
}
#endif

#endif
