/* See text.h. */
#include "deploy/callscan/ir/text.h"
#include <string.h>

#define TEXT_MAX 4096

bool nw_is_number(LLVMValueRef value, int64_t *number)
{
    if (!LLVMIsAConstantInt(value) || LLVMGetIntTypeWidth(LLVMTypeOf(value)) > 64)
        return false;
    *number = LLVMGetIntTypeWidth(LLVMTypeOf(value)) == 1 ? (int64_t)LLVMConstIntGetZExtValue(value)
                                                          : LLVMConstIntGetSExtValue(value);
    return true;
}

static unsigned bytes_of(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) / 8 : 0;
}

static long number_bytes(LLVMValueRef constant, char *bytes, size_t room)
{
    unsigned size = bytes_of(LLVMTypeOf(constant));
    uint64_t number;

    if (size == 0 || size > 8 || size > room)
        return -1;
    number = LLVMConstIntGetZExtValue(constant);
    memcpy(bytes, &number, size); /* little endian, as the machine of functions */
    return size;
}

static unsigned count_of(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetVectorSize(type) : LLVMGetArrayLength(type);
}

static long sequence_bytes(LLVMValueRef constant, char *bytes, size_t room)
{
    unsigned size = bytes_of(LLVMGetElementType(LLVMTypeOf(constant))), n = count_of(LLVMTypeOf(constant));
    size_t length;

    if (size == 0)
        return -1;
    if (LLVMIsConstantString(constant)) {
        const char *text = LLVMGetAsString(constant, &length);
        length = length < room ? length : room;
        memcpy(bytes, text, length);
        return (long)length;
    }
    for (length = 0; length / size < n && length + size <= room; length += size)
        if (number_bytes(LLVMGetElementAsConstant(constant, (unsigned)(length / size)), bytes + length, room - length) <
            0)
            return -1;
    return (long)length;
}

long nw_constant_bytes(LLVMValueRef constant, char *bytes, size_t room)
{
    LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(constant));

    if (LLVMIsAConstantInt(constant))
        return number_bytes(constant, bytes, room);
    if (LLVMIsAConstantDataSequential(constant))
        return sequence_bytes(constant, bytes, room);
    if (LLVMIsAConstantAggregateZero(constant) && (kind == LLVMVectorTypeKind || kind == LLVMArrayTypeKind)) {
        size_t length = (size_t)count_of(LLVMTypeOf(constant)) * bytes_of(LLVMGetElementType(LLVMTypeOf(constant)));
        length = length < room ? length : room;
        memset(bytes, 0, length);
        return length ? (long)length : -1;
    }
    return -1;
}

/* Goes down to the constant that holds the byte at *offset, which becomes one within it. */
static LLVMValueRef descend(LLVMTargetDataRef layout, LLVMValueRef constant, uint64_t *offset)
{
    while (LLVMIsAConstantStruct(constant) || LLVMIsAConstantArray(constant)) {
        LLVMTypeRef type = LLVMTypeOf(constant);
        unsigned n = (unsigned)LLVMGetNumOperands(constant), at;
        uint64_t start;

        if (LLVMIsAConstantStruct(constant)) {
            if (*offset >= LLVMABISizeOfType(layout, type))
                return NULL;
            at = LLVMElementAtOffset(layout, type, *offset);
            start = LLVMOffsetOfElement(layout, type, at);
        } else {
            uint64_t size = LLVMABISizeOfType(layout, LLVMGetElementType(type));
            if (size == 0 || *offset / size >= n)
                return NULL;
            at = (unsigned)(*offset / size);
            start = at * size;
        }
        if (at >= n)
            return NULL;
        *offset -= start;
        constant = LLVMGetOperand(constant, at);
    }
    return constant;
}

long nw_text_bytes(LLVMValueRef variable, int64_t offset, char *bytes, size_t room)
{
    LLVMValueRef constant = LLVMGetInitializer(variable);
    LLVMTargetDataRef layout = LLVMGetModuleDataLayout(LLVMGetGlobalParent(variable));
    uint64_t at = (uint64_t)offset;
    char text[TEXT_MAX];
    long n;

    constant = constant && offset >= 0 ? descend(layout, constant, &at) : NULL;
    if (!constant)
        return -1;
    if (LLVMIsAConstantAggregateZero(constant)) {
        uint64_t size = LLVMABISizeOfType(layout, LLVMTypeOf(constant));
        size = at < size ? size - at : 0;
        size = size < room ? size : room;
        memset(bytes, 0, size);
        return size ? (long)size : -1;
    }
    n = nw_constant_bytes(constant, text, sizeof text);
    if (n < 0 || (uint64_t)n <= at)
        return -1;
    n -= (long)at;
    n = n < (long)room ? n : (long)room;
    memcpy(bytes, text + at, (size_t)n);
    return n;
}

int64_t nw_text_length(LLVMValueRef variable, int64_t offset)
{
    char text[TEXT_MAX];
    long n = nw_text_bytes(variable, offset, text, sizeof text);
    const char *end = n > 0 ? memchr(text, '\0', (size_t)n) : NULL;

    return end ? end - text : -1;
}
