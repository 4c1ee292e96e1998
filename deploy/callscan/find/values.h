/* Where an input and its length come from, and what becomes of outputs. */
#ifndef NW_DEPLOY_CALLSCAN_FIND_VALUES_H
#define NW_DEPLOY_CALLSCAN_FIND_VALUES_H

#include "deploy/callscan/flow/flow.h"
#include "deploy/callscan/ir/grow.h"

/* NW_FROM bits. */
uint32_t nw__input_from(struct nw_flow *flow, LLVMValueRef input);

/* NW_LENGTH bits; *most is raised to the largest constant or bound. */
uint32_t nw__length_from(struct nw_flow *flow, LLVMValueRef length, uint64_t *most);

/* NW_FATE bits of the output of each call: a table from calls, as addresses, to bits. */
void nw__fates_init(struct nw_table *fates, struct nw_flow *flow);

/* Whether an instruction is a call through the callback, or may be one. */
enum nw_callee { NW_CALLEE_OTHER, NW_CALLEE_CALLBACK, NW_CALLEE_MAYBE };
enum nw_callee nw__callee_of(struct nw_flow *flow, LLVMValueRef call);

#endif
