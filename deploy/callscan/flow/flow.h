/*
 * Which values may be where in a module: a bounded data flow over everything that the entries of a function reach. Each
 * value of the program has a set of targets; a pointer's are places in objects (a variable, a piece of the heap, what
 * the runtime handed in), a number's are constants and bounds. Flow and context are left out: a set holds what the
 * value may be at any time. What is not followed is in the set as NW_OBJECT_UNKNOWN, never left out.
 */
#ifndef NW_DEPLOY_CALLSCAN_FLOW_FLOW_H
#define NW_DEPLOY_CALLSCAN_FLOW_FLOW_H

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <stdbool.h>
#include <stdint.h>

enum nw_object_kind {
    NW_OBJECT_UNKNOWN, /* anything */
    NW_OBJECT_DATA,    /* anything but code: bytes of an input, or what the C++ library puts into objects */
    NW_OBJECT_INTEGER, /* the number `offset` */
    NW_OBJECT_BOUND,   /* a number from 0 to `offset` */
    NW_OBJECT_CALLBACK,
    NW_OBJECT_APPEND,
    NW_OBJECT_CONTEXT,
    NW_OBJECT_INPUT,
    NW_OBJECT_INPUT_LENGTH,
    NW_OBJECT_HANDLE, /* where a func worker's handle is written */
    NW_OBJECT_OUTPUT, /* of the call `value` */
    NW_OBJECT_OUTPUT_LENGTH,
    NW_OBJECT_FUNCTION,
    NW_OBJECT_GLOBAL,
    NW_OBJECT_STACK,
    NW_OBJECT_HEAP,
    NW_OBJECT_VARARGS, /* of the function `value` */
};

/* The objects of which there is one, by number; the others follow. */
#define NW_SINGLE_OBJECTS ((unsigned)NW_OBJECT_HANDLE + 1)

/* `offset` bytes into an object, or with a stride any number of strides further: an index counts from the start of an
 * array. */
struct nw_target {
    uint32_t object;
    uint32_t stride;
    int64_t offset;
};

struct nw_targets {
    const struct nw_target *at;
    size_t n;
};

struct nw_flow;

/* Follows the values of a module whose entries, or, where it has none, whose visible functions are called by others. */
struct nw_flow *nw_flow_new(LLVMModuleRef module);
void nw_flow_free(struct nw_flow *flow);

/* Whether the module has the entries of a function, and whether the bounds were enough for all of it. */
bool nw_flow_is_whole(const struct nw_flow *flow);
bool nw_flow_is_complete(const struct nw_flow *flow);

/* Whether anything that is known to run calls it. */
bool nw_flow_reaches(const struct nw_flow *flow, LLVMValueRef function);

/* Whether no code that was not seen can name the variable. */
bool nw_flow_is_private(const struct nw_flow *flow, LLVMValueRef variable);

/* What a value may be: of a structure or vector, its leaf. Valid until the next question about a constant. */
struct nw_targets nw_flow_targets(struct nw_flow *flow, LLVMValueRef value, unsigned leaf);
bool nw_flow_may_be(struct nw_flow *flow, LLVMValueRef value, enum nw_object_kind kind);

enum nw_object_kind nw_object_kind(const struct nw_flow *flow, uint32_t object);
LLVMValueRef nw_object_value(const struct nw_flow *flow, uint32_t object);

/* Whether code that was not seen may have written to it. */
bool nw_object_escapes(const struct nw_flow *flow, uint32_t object);

/* The calls that hand the callback to code that was not seen. */
size_t nw_flow_n_leaves(const struct nw_flow *flow);
LLVMValueRef nw_flow_leave(const struct nw_flow *flow, size_t i);

LLVMModuleRef nw_flow_module(const struct nw_flow *flow);
LLVMTargetDataRef nw_flow_layout(const struct nw_flow *flow);

#endif
