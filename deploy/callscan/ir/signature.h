/* The type of a call through the callback. */
#ifndef NW_DEPLOY_CALLSCAN_IR_SIGNATURE_H
#define NW_DEPLOY_CALLSCAN_IR_SIGNATURE_H

#include <llvm-c/Core.h>
#include <stdbool.h>

/*
 * Whether a function type is an int of three pointers, a size and two pointers (faas_invoke_func_fn_t). What the
 * pointers point to does not count: opaque pointers do not say.
 */
bool nw_is_invoke_type(LLVMTypeRef type);

#endif
