/* The check of a function's file, of function_check.h: one static function for each thing that can be wrong. */
#include "protect/check/function_check.h"

#include "protect/gate/without.h"
#include "protect/rewrite/rewrite.h"
#include "protect/scan/elf_file.h"
#include "protect/scan/scan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

/* The file, and where to say what is wrong with it. */
struct check {
    struct nw_elf elf;
    char *why;
    size_t why_size;
    struct nw_scan_hit *site;
};

static int refuse(const struct check *check, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(const struct check *check, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(check->why, check->why_size, format, arguments);
    va_end(arguments);
    return error;
}

static int check_kind(const struct check *check)
{
    uint64_t flags;

    if (check->elf.dynamic_size == 0)
        return refuse(check, -ENOEXEC, "no dynamic section; link it with -shared");
    if (nw_elf_dynamic(&check->elf, DT_FLAGS_1, &flags) && (flags & DF_1_PIE))
        return refuse(check, -ENOEXEC, "a program, not a shared object; build it with -shared -fPIC");
    if (check->elf.span > NW_FUNCTION_SPAN_MAX)
        return refuse(check, -ENOEXEC, "takes %llu MiB of address space; a function may take %llu MiB",
                      (unsigned long long)(check->elf.span >> 20), (unsigned long long)(NW_FUNCTION_SPAN_MAX >> 20));
    return 0;
}

static int check_segments(const struct check *check)
{
    bool stack_declared = false;

    for (size_t i = 0; i < check->elf.header.e_phnum; i++) {
        const Elf64_Phdr *segment = &check->elf.segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) && (segment->p_flags & PF_X))
            return refuse(check, -EPERM, "segment %zu is writable and executable; link it without -N or --omagic", i);
        if (segment->p_type != PT_GNU_STACK)
            continue;
        stack_declared = true;
        if (segment->p_flags & PF_X)
            return refuse(check, -EPERM, "asks for an executable stack; link it with -z noexecstack");
    }
    if (!stack_declared) /* which ld.so takes as asking for an executable one */
        return refuse(check, -EPERM, "does not say that its stack is not executable; link it with -z noexecstack");
    return 0;
}

static int check_relocations(const struct check *check)
{
    uint64_t value;

    if (nw_elf_dynamic(&check->elf, DT_TEXTREL, &value) ||
        (nw_elf_dynamic(&check->elf, DT_FLAGS, &value) && (value & DF_TEXTREL)))
        return refuse(check, -EPERM, "wants to write to its own code (DT_TEXTREL); build it with -fPIC");
    return 0;
}

static int check_symbol(const struct check *check, const char *name)
{
    Elf64_Sym symbol;
    uint64_t offset;

    if (!nw_elf_find_exported(&check->elf, name, &symbol)) {
        if (nw_elf_find_local(&check->elf, name, &symbol))
            return refuse(check, -ENOENT, "symbol %s is hidden; build it with default visibility", name);
        return refuse(check, -ENOENT,
                      "symbol %s not found; build it against include/faas/worker_v1_interface.h (in C++, declare it "
                      "extern \"C\")",
                      name);
    }
    if (!nw_elf_file_offset(&check->elf, symbol.st_value, 1, PF_X, &offset))
        return refuse(check, -ENOEXEC, "symbol %s is not a function", name);
    return 0;
}

static int check_symbols(const struct check *check)
{
    static const char *const names[] = {
        "faas_init",
        "faas_create_func_worker",
        "faas_destroy_func_worker",
        "faas_func_call",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int error = check_symbol(check, names[i]);
        if (error != 0)
            return error;
    }
    return 0;
}

/* The hit's offset counts from `start` in the file. */
static int refuse_instruction(const struct check *check, uint64_t start, const struct nw_scan_hit *hit, size_t others)
{
    uint64_t offset = start + hit->offset;
    char name[64], more[32] = "";

    *check->site = (struct nw_scan_hit){.offset = offset, .length = hit->length, .kind = hit->kind};
    nw_elf_name_offset(&check->elf, offset, name, sizeof name);
    if (others > 0)
        snprintf(more, sizeof more, " and %zu more", others);
    return refuse(check, -EPERM, "%s at file offset 0x%llx%s%s%s; a function may not hold this instruction",
                  nw_scan_kind_name(hit->kind), (unsigned long long)offset, name[0] != '\0' ? ", in symbol " : "", name,
                  more);
}

/* An executable segment as it will be mapped: whole pages, without what stands in them by accident. */
struct mapping {
    uint64_t address, size; /* of memory */
    uint64_t file_offset;
    uint8_t first[NW_SCAN_CONTEXT], last[NW_SCAN_CONTEXT];
};

/* Looks at the bytes that mapping a segment maps, as the worker will. Bytes behind the end of the file are zero. */
static int check_mapping(const struct check *check, const Elf64_Phdr *segment, struct mapping *mapping)
{
    struct nw_rewrite_result result;
    uint64_t inside = segment->p_offset % PAGE;

    mapping->file_offset = segment->p_offset - inside;
    mapping->address = segment->p_vaddr - inside;
    mapping->size = (inside + segment->p_filesz + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    if (mapping->size == 0)
        return 0;
    uint8_t *code = calloc(1, mapping->size);
    if (code == NULL)
        return refuse(check, -ENOMEM, "not enough memory to check %llu bytes of code; try again later",
                      (unsigned long long)mapping->size);
    uint64_t left = check->elf.size - mapping->file_offset;
    memcpy(code, check->elf.bytes + mapping->file_offset, left < mapping->size ? left : mapping->size);
    nw_rewrite(code, mapping->size, mapping->file_offset, &check->elf, &result);
    memcpy(mapping->first, code, NW_SCAN_CONTEXT);
    memcpy(mapping->last, code + mapping->size - NW_SCAN_CONTEXT, NW_SCAN_CONTEXT);
    free(code);
    if (result.left == 0)
        return 0;
    return refuse_instruction(check, mapping->file_offset, &result.hit, result.left - 1);
}

/* Looks across the seam between two executable segments that lie side by side in memory. */
static int check_seam(const struct check *check, const struct mapping *before, const struct mapping *after)
{
    struct nw_scan_hit hit;

    if (before->size == 0 || after->size == 0 || before->address + before->size != after->address ||
        !nw_scan_seam(before->last, NW_SCAN_CONTEXT, after->first, NW_SCAN_CONTEXT, &hit))
        return 0;
    return refuse_instruction(check, before->file_offset + before->size - NW_SCAN_CONTEXT, &hit, 0);
}

static int check_instructions(const struct check *check)
{
    struct mapping before = {0}, mapping;

    for (size_t i = 0; i < check->elf.header.e_phnum; i++) {
        const Elf64_Phdr *segment = &check->elf.segments[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        int error = check_mapping(check, segment, &mapping);
        if (error == 0)
            error = check_seam(check, &before, &mapping);
        if (error != 0)
            return error;
        before = mapping;
    }
    return 0;
}

int nw_function_check_site(const uint8_t *bytes, size_t size, char *why, size_t why_size, struct nw_scan_hit *site)
{
    static int (*const checks[])(const struct check *) = {
        check_kind, check_segments, check_relocations, check_symbols, check_instructions,
    };
    struct check check = {.why = why, .why_size = why_size, .site = site};
    int error = nw_without(NW_DEFENCE_ELF) ? 0 : nw_elf_open(&check.elf, bytes, size, why, why_size);

    *site = (struct nw_scan_hit){0};
    for (size_t i = 0; error == 0 && i < sizeof checks / sizeof checks[0] && !nw_without(NW_DEFENCE_ELF); i++)
        error = checks[i](&check);
    return error;
}

int nw_function_check(const uint8_t *bytes, size_t size, char *why, size_t why_size)
{
    struct nw_scan_hit site;

    return nw_function_check_site(bytes, size, why, why_size, &site);
}
