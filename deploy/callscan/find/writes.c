/* See writes.h. */
#include "deploy/callscan/find/writes.h"
#include "deploy/callscan/ir/text.h"
#include "deploy/callscan/known/known.h"
#include "deploy/callscan/known/string.h"
#include <stdlib.h>

static bool holds_bytes(enum nw_object_kind kind)
{
    return kind == NW_OBJECT_STACK || kind == NW_OBJECT_HEAP || kind == NW_OBJECT_GLOBAL;
}

/* `write` happens, `extra` bytes on, wherever the pointer may lead. */
static void add(struct nw_writes *writes, struct nw_flow *flow, LLVMValueRef pointer, int64_t extra,
                struct nw_write write)
{
    struct nw_targets targets = nw_flow_targets(flow, pointer, 0);

    for (size_t i = 0; i < targets.n; i++) {
        struct nw_target t = targets.at[i];
        if (!holds_bytes(nw_object_kind(flow, t.object)))
            continue;
        write.offset = t.offset + extra;
        write.stride = t.stride;
        write.next = nw_table_get(&writes->first, t.object, 0);
        writes->at = nw_grow(writes->at, writes->n, &writes->room, sizeof *writes->at);
        writes->at[writes->n] = write;
        nw_table_set(&writes->first, t.object, 0, (uint32_t)writes->n++);
    }
}

static void add_store(struct nw_writes *writes, struct nw_flow *flow, LLVMValueRef store)
{
    LLVMValueRef value = LLVMGetOperand(store, 0);
    struct nw_write write = {.kind = NW_WRITE_STORE,
                             .by = store,
                             .source = value,
                             .size = (int64_t)LLVMStoreSizeOfType(nw_flow_layout(flow), LLVMTypeOf(value))};

    add(writes, flow, LLVMGetOperand(store, 1), 0, write);
}

static void add_string(struct nw_writes *writes, struct nw_flow *flow, LLVMValueRef call, enum nw_string_method method)
{
    static const enum nw_write_kind kinds[] = {
        [NW_STRING_EMPTY] = NW_WRITE_ZEROES,       [NW_STRING_FROM_TEXT] = NW_WRITE_TEXT,
        [NW_STRING_FROM_BYTES] = NW_WRITE_COPY,    [NW_STRING_FROM_RANGE] = NW_WRITE_RANGE,
        [NW_STRING_FROM_STRING] = NW_WRITE_STRING, [NW_STRING_REPLACE] = NW_WRITE_REPLACE,
        [NW_STRING_CHANGE] = NW_WRITE_UNKNOWN,
    };
    struct nw_write write = {.by = call, .size = INT64_MAX};
    unsigned n = LLVMGetNumArgOperands(call), source = method == NW_STRING_REPLACE ? 3 : 1;

    if (method < NW_STRING_EMPTY)
        return;
    write.kind = kinds[method];
    if (method != NW_STRING_EMPTY && method != NW_STRING_CHANGE && source < n)
        write.source = LLVMGetOperand(call, source);
    if (source + 1 < n)
        write.length = LLVMGetOperand(call, source + 1);
    if (method == NW_STRING_EMPTY)
        write.size = 1;
    add(writes, flow, LLVMGetOperand(call, 0), NW_STRING_BYTES, write);
}

static void add_known(struct nw_writes *writes, struct nw_flow *flow, LLVMValueRef call, const struct nw_known *known)
{
    struct nw_write write = {.by = call, .size = INT64_MAX};
    unsigned n = LLVMGetNumArgOperands(call);
    int64_t size;

    for (unsigned i = 0; i < n && i < 8; i++)
        if (known->writes >> i & 1)
            add(writes, flow, LLVMGetOperand(call, i), 0, write);
    if (known->effect == NW_EFFECT_COPIES && n > 2) {
        write.kind = NW_WRITE_COPY;
        write.source = LLVMGetOperand(call, 1);
        write.length = LLVMGetOperand(call, 2);
    } else if (known->effect == NW_EFFECT_TEXT && n > 1) {
        write.kind = NW_WRITE_TEXT;
        write.source = LLVMGetOperand(call, 1);
    } else if (known->effect == NW_EFFECT_PRINTS && n > known->format) {
        write.kind = NW_WRITE_PRINT;
        write.source = LLVMGetOperand(call, known->format);
    } else if (known->effect == NW_EFFECT_ZEROES && n > 2) {
        write.kind = LLVMIsNull(LLVMGetOperand(call, 1)) ? NW_WRITE_ZEROES : NW_WRITE_UNKNOWN;
        write.length = LLVMGetOperand(call, 2);
    } else {
        return;
    }
    if (write.length && nw_is_number(write.length, &size) && size >= 0)
        write.size = size;
    add(writes, flow, LLVMGetOperand(call, 0), 0, write);
}

static void add_call(struct nw_writes *writes, struct nw_flow *flow, LLVMValueRef call)
{
    struct nw_targets callees = nw_flow_targets(flow, LLVMGetCalledValue(call), 0);

    for (size_t i = 0; i < callees.n; i++) {
        LLVMValueRef function = nw_object_value(flow, callees.at[i].object);
        if (nw_object_kind(flow, callees.at[i].object) != NW_OBJECT_FUNCTION || LLVMGetNumArgOperands(call) == 0)
            continue;
        const struct nw_known *known = LLVMIsDeclaration(function) ? nw_known_function(function) : NULL;
        if (nw_string_method(function) != NW_STRING_NONE)
            add_string(writes, flow, call, nw_string_method(function));
        else if (known)
            add_known(writes, flow, call, known);
        callees = nw_flow_targets(flow, LLVMGetCalledValue(call), 0);
    }
}

static void add_instruction(struct nw_writes *writes, struct nw_flow *flow, LLVMValueRef instruction)
{
    struct nw_write write = {.by = instruction, .size = 8};

    switch (LLVMGetInstructionOpcode(instruction)) {
    case LLVMStore:
        add_store(writes, flow, instruction);
        break;
    case LLVMAtomicRMW:
    case LLVMAtomicCmpXchg:
        add(writes, flow, LLVMGetOperand(instruction, 0), 0, write);
        break;
    case LLVMCall:
    case LLVMInvoke:
        add_call(writes, flow, instruction);
        break;
    default:
        break;
    }
}

void nw__writes_init(struct nw_writes *writes, struct nw_flow *flow)
{
    *writes = (struct nw_writes){0};
    for (LLVMValueRef f = LLVMGetFirstFunction(nw_flow_module(flow)); f; f = LLVMGetNextFunction(f)) {
        if (!nw_flow_reaches(flow, f))
            continue;
        for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(f); block; block = LLVMGetNextBasicBlock(block))
            for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
                add_instruction(writes, flow, i);
    }
}

void nw__writes_fini(struct nw_writes *writes)
{
    free(writes->at);
    nw_table_fini(&writes->first);
}

const struct nw_write *nw__writes_of(const struct nw_writes *writes, uint32_t object)
{
    uint32_t first = nw_table_get(&writes->first, object, 0);

    return first == UINT32_MAX ? NULL : &writes->at[first];
}

const struct nw_write *nw__write_next(const struct nw_writes *writes, const struct nw_write *write)
{
    return write->next == UINT32_MAX ? NULL : &writes->at[write->next];
}
