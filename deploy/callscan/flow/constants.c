/* What constants may be, and what lies in variables from the start. */
#include "deploy/callscan/flow/state.h"
#include "deploy/callscan/ir/text.h"
#include "deploy/callscan/known/known.h"

#define DEPTH_MAX 64 /* of constant expressions, and of values in values */

static void add_number(struct nw_flow *flow, uint32_t node, int64_t number)
{
    nw__add_target(flow, node, (struct nw_target){.object = NW_OBJECT_INTEGER, .offset = number});
}

/* The place that a constant address is, as a function, a variable or an expression over one. */
static bool find_place(struct nw_flow *flow, LLVMValueRef constant, struct nw_target *place)
{
    int64_t offset = 0, part;
    uint32_t stride;

    for (int depth = 0; depth < DEPTH_MAX && constant; depth++) {
        if (LLVMIsAFunction(constant) || LLVMIsAGlobalVariable(constant)) {
            enum nw_object_kind kind = LLVMIsAFunction(constant) ? NW_OBJECT_FUNCTION : NW_OBJECT_GLOBAL;
            *place = (struct nw_target){.object = nw__object_of(flow, kind, constant), .offset = offset};
            return true;
        }
        if (LLVMIsAGlobalAlias(constant)) {
            constant = LLVMAliasGetAliasee(constant);
            continue;
        }
        if (!LLVMIsAConstantExpr(constant))
            return false;
        switch (LLVMGetConstOpcode(constant)) {
        case LLVMGetElementPtr:
            nw__gep(flow, constant, &part, &stride);
            offset += part;
            break;
        case LLVMBitCast:
        case LLVMAddrSpaceCast:
        case LLVMIntToPtr:
        case LLVMPtrToInt:
            break;
        default:
            return false;
        }
        constant = LLVMGetOperand(constant, 0);
    }
    return false;
}

static void add_scalar(struct nw_flow *flow, uint32_t node, LLVMValueRef constant)
{
    struct nw_target place;
    int64_t number;

    if (LLVMIsAUndefValue(constant))
        return;
    if (LLVMIsNull(constant))
        add_number(flow, node, 0);
    else if (nw_is_number(constant, &number))
        add_number(flow, node, number);
    else if (find_place(flow, constant, &place))
        nw__add_target(flow, node, place);
    else
        nw__add_unknown(flow, node);
}

/* A row is the distance of a text or variable from the table, as 32 bits. */
void nw__add_rows(struct nw_flow *flow, uint32_t node, LLVMValueRef table)
{
    LLVMValueRef rows = LLVMGetInitializer(table);
    struct nw_target place;

    if (!rows || !LLVMIsGlobalConstant(table) || !LLVMIsAConstantArray(rows)) {
        nw__add_unknown(flow, node);
        return;
    }
    for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(rows); i++) {
        LLVMValueRef row = LLVMGetOperand(rows, i);
        while (LLVMIsAConstantExpr(row) && LLVMGetConstOpcode(row) == LLVMTrunc)
            row = LLVMGetOperand(row, 0);
        if (LLVMIsAConstantExpr(row) && LLVMGetConstOpcode(row) == LLVMSub &&
            find_place(flow, LLVMGetOperand(row, 0), &place))
            nw__add_target(flow, node, place);
        else
            nw__add_unknown(flow, node);
    }
}

/* The element of a constant structure, array or vector; NULL when it has none that are values of their own. */
static LLVMValueRef element_of(LLVMValueRef constant, unsigned i)
{
    if (LLVMIsAConstantStruct(constant) || LLVMIsAConstantArray(constant) || LLVMIsAConstantVector(constant))
        return i < (unsigned)LLVMGetNumOperands(constant) ? LLVMGetOperand(constant, i) : NULL;
    if (LLVMIsAConstantDataSequential(constant))
        return LLVMGetElementAsConstant(constant, i);
    return NULL;
}

static unsigned elements_of(LLVMTypeRef type)
{
    switch (LLVMGetTypeKind(type)) {
    case LLVMStructTypeKind:
        return LLVMCountStructElementTypes(type);
    case LLVMArrayTypeKind:
        return LLVMGetArrayLength(type);
    case LLVMVectorTypeKind:
        return LLVMGetVectorSize(type);
    default:
        return 0;
    }
}

static bool has_elements(LLVMTypeRef type)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);

    return kind == LLVMStructTypeKind || kind == LLVMArrayTypeKind || kind == LLVMVectorTypeKind;
}

void nw__add_constant(struct nw_flow *flow, uint32_t node, LLVMValueRef constant, unsigned leaf)
{
    struct nw__leaf leaves[NW__LEAVES_MAX];

    for (int depth = 0; depth < DEPTH_MAX && has_elements(LLVMTypeOf(constant)); depth++) {
        unsigned n = elements_of(LLVMTypeOf(constant)), i;
        LLVMValueRef element = NULL;

        if (LLVMIsNull(constant)) {
            add_number(flow, node, 0);
            return;
        }
        for (i = 0; i < n && (element = element_of(constant, i)) != NULL; i++) {
            unsigned has = nw__leaves(flow, LLVMTypeOf(element), leaves);
            if (leaf < has)
                break;
            leaf -= has;
        }
        if (!element || i == n) {
            if (!LLVMIsAUndefValue(constant))
                nw__add_unknown(flow, node);
            return;
        }
        constant = element;
    }
    add_scalar(flow, node, constant);
}

/* Puts what lies in a constant from `offset` on into the cells of an object. */
static void fill(struct nw_flow *flow, uint32_t object, LLVMValueRef constant, uint64_t offset, unsigned depth)
{
    LLVMTypeRef type = LLVMTypeOf(constant);
    unsigned n = elements_of(type);

    if (depth > DEPTH_MAX || (LLVMIsAConstantDataSequential(constant) && LLVMIsConstantString(constant)))
        return; /* texts are read as bytes */
    if (!has_elements(type) || LLVMIsNull(constant)) {
        struct nw_target place = {.object = object, .offset = (int64_t)offset};
        if (!has_elements(type))
            add_scalar(flow, nw__cell(flow, place, 0), constant);
        else if (LLVMABISizeOfType(flow->layout, type) >= 8) { /* zeros, wherever it is looked at */
            place.stride = 1;
            add_number(flow, nw__cell(flow, place, 0), 0);
        }
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        LLVMValueRef element = element_of(constant, i);
        uint64_t at = LLVMGetTypeKind(type) == LLVMStructTypeKind
                          ? LLVMOffsetOfElement(flow->layout, type, i)
                          : i * LLVMABISizeOfType(flow->layout, LLVMGetElementType(type));
        if (element)
            fill(flow, object, element, offset + at, depth + 1);
    }
}

/* A variable that another module may set holds what that put there, too. */
void nw__initialise(struct nw_flow *flow, uint32_t object)
{
    LLVMValueRef variable = flow->objects[object].value, value = LLVMGetInitializer(variable);
    LLVMLinkage linkage = LLVMGetLinkage(variable);

    if (!value && nw_is_library(variable)) {
        flow->objects[object].library_from = 0;
        return;
    }
    if (!value || LLVMIsExternallyInitialized(variable)) {
        flow->objects[object].shared_from = 0;
        return;
    }
    if (linkage == LLVMExternalLinkage && !flow->whole && !LLVMIsGlobalConstant(variable))
        flow->objects[object].shared_from = 0;
    fill(flow, object, value, 0, 0);
}
