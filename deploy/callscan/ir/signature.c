/* See signature.h. */
#include "deploy/callscan/ir/signature.h"

bool nw_is_invoke_type(LLVMTypeRef type)
{
    static const LLVMTypeKind wanted[] = {LLVMPointerTypeKind, LLVMPointerTypeKind, LLVMPointerTypeKind,
                                          LLVMIntegerTypeKind, LLVMPointerTypeKind, LLVMPointerTypeKind};
    const unsigned n = sizeof wanted / sizeof *wanted;
    LLVMTypeRef params[sizeof wanted / sizeof *wanted], result = LLVMGetReturnType(type);

    if (LLVMCountParamTypes(type) != n || LLVMIsFunctionVarArg(type) ||
        LLVMGetTypeKind(result) != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(result) != 32)
        return false;
    LLVMGetParamTypes(type, params);
    for (unsigned i = 0; i < n; i++)
        if (LLVMGetTypeKind(params[i]) != wanted[i])
            return false;
    return LLVMGetIntTypeWidth(params[3]) == 64;
}
