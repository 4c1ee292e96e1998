/* The bytes of constants and of a module's variables. */
#ifndef NW_DEPLOY_CALLSCAN_IR_TEXT_H
#define NW_DEPLOY_CALLSCAN_IR_TEXT_H

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of a variable's initial value from `offset`, at most `room`: how many are known, -1 when the variable has
 * no initial value or `offset` lies outside.
 */
long nw_text_bytes(LLVMValueRef variable, int64_t offset, char *bytes, size_t room);

/* The length of the text that begins there, up to its NUL; -1 when there is none within 4096 bytes. */
int64_t nw_text_length(LLVMValueRef variable, int64_t offset);

/* The bytes of a constant number or vector of numbers, at most `room`: how many, -1 when it is something else. */
long nw_constant_bytes(LLVMValueRef constant, char *bytes, size_t room);

/* A constant whose value fits a int64_t. */
bool nw_is_number(LLVMValueRef value, int64_t *number);

#endif
