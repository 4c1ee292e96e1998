/* The scalars of a type, and how far an address computation goes. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/ir/text.h"

/* Depth: types nest as deep as whoever wrote the module wants. */
static unsigned add_leaves(struct nw_flow *flow, LLVMTypeRef type, uint64_t offset, unsigned depth,
                           struct nw__leaf *leaves, unsigned n)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);

    if (n >= NW__LEAVES_MAX || depth > 16)
        return n;
    if (kind == LLVMStructTypeKind && !LLVMIsOpaqueStruct(type)) {
        for (unsigned i = 0; i < LLVMCountStructElementTypes(type) && n < NW__LEAVES_MAX; i++)
            n = add_leaves(flow, LLVMStructGetTypeAtIndex(type, i), offset + LLVMOffsetOfElement(flow->layout, type, i),
                           depth + 1, leaves, n);
        return n;
    }
    if (kind == LLVMArrayTypeKind || kind == LLVMVectorTypeKind) {
        LLVMTypeRef element = LLVMGetElementType(type);
        unsigned count = kind == LLVMArrayTypeKind ? LLVMGetArrayLength(type) : LLVMGetVectorSize(type);
        for (unsigned i = 0; i < count && n < NW__LEAVES_MAX; i++)
            n = add_leaves(flow, element, offset + i * LLVMABISizeOfType(flow->layout, element), depth + 1, leaves, n);
        return n;
    }
    leaves[n] = (struct nw__leaf){offset, type};
    return n + 1;
}

unsigned nw__leaves(struct nw_flow *flow, LLVMTypeRef type, struct nw__leaf leaves[NW__LEAVES_MAX])
{
    if (LLVMGetTypeKind(type) == LLVMVoidTypeKind || !LLVMTypeIsSized(type))
        return 0;
    return add_leaves(flow, type, 0, 0, leaves, 0);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

static void step_by(uint64_t size, LLVMValueRef index, int64_t *offset, uint64_t *stride)
{
    int64_t number;

    if (nw_is_number(index, &number))
        *offset = (int64_t)((uint64_t)*offset + (uint64_t)number * size);
    else
        *stride = common_divisor(size ? size : 1, *stride);
}

void nw__gep(struct nw_flow *flow, LLVMValueRef gep, int64_t *offset, uint32_t *stride)
{
    LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);
    unsigned n = (unsigned)LLVMGetNumOperands(gep);
    uint64_t step = 0;
    int64_t field;

    *offset = 0;
    for (unsigned i = 1; i < n; i++) {
        LLVMValueRef index = LLVMGetOperand(gep, i);
        if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
            if (!nw_is_number(index, &field) || (uint64_t)field >= LLVMCountStructElementTypes(type)) {
                step = 1;
                break;
            }
            *offset += (int64_t)LLVMOffsetOfElement(flow->layout, type, (unsigned)field);
            type = LLVMStructGetTypeAtIndex(type, (unsigned)field);
            continue;
        }
        if (i > 1)
            type = LLVMGetElementType(type);
        step_by(LLVMTypeIsSized(type) ? LLVMABISizeOfType(flow->layout, type) : 1, index, offset, &step);
    }
    *stride = (uint32_t)(step > UINT32_MAX ? 1 : step);
}
