/* See module.h. */
#include "deploy/callscan/ir/module.h"
#include <errno.h>
#include <gelf.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Linker.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Where LLVM's complaints go: the first one counts. */
struct complaint {
    char *why;
    size_t size;
};

static void take_complaint(LLVMDiagnosticInfoRef info, void *data)
{
    struct complaint *complaint = data;
    char *text = LLVMGetDiagInfoDescription(info);

    if (LLVMGetDiagInfoSeverity(info) == LLVMDSError && !*complaint->why)
        snprintf(complaint->why, complaint->size, "%s", text);
    LLVMDisposeMessage(text);
}

static bool is_bitcode(const unsigned char *bytes, size_t size)
{
    return size >= 4 && (memcmp(bytes, "BC\xc0\xde", 4) == 0 || memcmp(bytes, "\xde\xc0\x17\x0b", 4) == 0);
}

/* IR is text: something that has a NUL or other such bytes in it is not. */
static bool is_text(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size && i < 4096; i++)
        if (bytes[i] < 0x20 && !strchr("\t\n\r\f", bytes[i]))
            return false;
    return size > 0 && !memchr(bytes, '\0', size);
}

/* The section of an object file that holds bitcode: false when there is none. */
static bool find_embedded(const void **bytes, size_t *size)
{
    Elf_Scn *section = NULL;
    Elf_Data *data = NULL;
    GElf_Shdr header;
    size_t names;
    Elf *elf;

    elf_version(EV_CURRENT);
    elf = elf_memory((char *)*bytes, *size); /* which it only reads */
    if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) < 0)
        return elf_end(elf), false;
    while (!data && (section = elf_nextscn(elf, section)) != NULL) {
        const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name && strcmp(name, ".llvmbc") == 0 && header.sh_size > 1)
            data = elf_rawdata(section, NULL);
    }
    if (data && data->d_buf) {
        *bytes = data->d_buf;
        *size = data->d_size;
    }
    elf_end(elf); /* the data are those of the file */
    return data != NULL;
}

static LLVMModuleRef parse(LLVMContextRef context, LLVMMemoryBufferRef buffer, bool bitcode, char *why, size_t why_size)
{
    LLVMModuleRef module = NULL;
    char *message = NULL;
    bool failed;

    if (bitcode) {
        failed = LLVMParseBitcodeInContext2(context, buffer, &module);
        LLVMDisposeMemoryBuffer(buffer);
    } else {
        failed = LLVMParseIRInContext(context, buffer, &module, &message);
    }
    if (failed && !*why)
        snprintf(why, why_size, "%s", message ? message : "LLVM 14 cannot read it");
    LLVMDisposeMessage(message);
    return failed ? NULL : module;
}

static LLVMModuleRef parse_checked(LLVMContextRef context, const char *path, const void *bytes, size_t size, char *why,
                                   size_t why_size)
{
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes, size, path);
    LLVMModuleRef module = parse(context, buffer, is_bitcode(bytes, size), why, why_size);
    char *message = NULL;

    if (module && LLVMVerifyModule(module, LLVMReturnStatusAction, &message)) {
        snprintf(why, why_size, "LLVM 14 finds it broken: %s", message);
        LLVMDisposeModule(module);
        module = NULL;
    }
    LLVMDisposeMessage(message);
    return module;
}

LLVMModuleRef nw_module_read(LLVMContextRef context, const char *path, const void *bytes, size_t size, char *why,
                             size_t why_size)
{
    struct complaint complaint = {why, why_size};
    LLVMModuleRef module = NULL;

    *why = '\0';
    if (size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0 && !find_embedded(&bytes, &size)) {
        snprintf(why, why_size,
                 "it holds no bitcode; build it with clang-14 -fembed-bitcode, or give clang-14 -c "
                 "-emit-llvm's output");
    } else if (size > NW_MODULE_SIZE_MAX) {
        snprintf(why, why_size, "it is larger than %u MiB", NW_MODULE_SIZE_MAX >> 20);
    } else if (!is_bitcode(bytes, size) && !is_text(bytes, size)) {
        snprintf(why, why_size, "it is neither LLVM bitcode nor IR; clang-14 -c -emit-llvm makes that");
    } else {
        LLVMContextSetDiagnosticHandler(context, take_complaint, &complaint);
        module = parse_checked(context, path, bytes, size, why, why_size);
        LLVMContextSetDiagnosticHandler(context, NULL, NULL);
    }
    return module;
}

int nw_module_link(LLVMModuleRef module, LLVMModuleRef other, char *why, size_t why_size)
{
    struct complaint complaint = {why, why_size};
    bool failed;

    *why = '\0';
    LLVMContextSetDiagnosticHandler(LLVMGetModuleContext(module), take_complaint, &complaint);
    failed = LLVMLinkModules2(module, other);
    LLVMContextSetDiagnosticHandler(LLVMGetModuleContext(module), NULL, NULL);
    if (failed && !*why)
        snprintf(why, why_size, "LLVM 14 cannot link them");
    return failed ? -EINVAL : 0;
}

/* Code that was not optimised says that it must not be. `keep`: it stays a function of its own all the same. */
static void allow_passes(LLVMValueRef function, bool keep)
{
    const LLVMAttributeIndex index = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    unsigned optnone = LLVMGetEnumAttributeKindForName("optnone", 7),
             noinline = LLVMGetEnumAttributeKindForName("noinline", 8);
    bool not_optimised = LLVMGetEnumAttributeAtIndex(function, index, optnone);

    if (not_optimised) {
        LLVMRemoveEnumAttributeAtIndex(function, index, optnone);
        LLVMRemoveEnumAttributeAtIndex(function, index, noinline);
    }
    if (keep)
        LLVMAddAttributeAtIndex(
            function, index, LLVMCreateEnumAttribute(LLVMGetModuleContext(LLVMGetGlobalParent(function)), noinline, 0));
}

int nw_module_prepare(LLVMModuleRef module, bool (*keep)(LLVMValueRef function), char *why, size_t why_size)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef error;

    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        allow_passes(f, keep(f));
    error = LLVMRunPasses(module, "function(sroa),cgscc(inline),function(sroa)", NULL, options);
    LLVMDisposePassBuilderOptions(options);
    if (!error)
        return 0;
    char *message = LLVMGetErrorMessage(error);
    snprintf(why, why_size, "%s", message);
    LLVMDisposeErrorMessage(message);
    return -EINVAL;
}
