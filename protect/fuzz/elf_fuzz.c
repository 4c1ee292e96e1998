/*
 * A file that somebody wants to deploy: every question that we ask an ELF file, and the rewriting of its code. What is
 * found lies within the file, messages fit, and rewritten code is free of hits when it says so.
 */
#include "common/test/fuzz.h"
#include "protect/check/function_check.h"
#include "protect/rewrite/rewrite.h"
#include "protect/scan/elf_code.h"
#include <string.h>

#define PAGE 4096u

static void ask_tables(const struct nw_elf *elf)
{
    static const char *const names[] = {"faas_init", "faas_func_call", "", "a name that is nowhere"};
    static const int64_t tags[] = {DT_NEEDED, DT_FLAGS_1, DT_TEXTREL, DT_STRTAB, DT_NULL, -1};
    Elf64_Sym symbol;
    uint64_t value, offset;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        nw_elf_find_exported(elf, names[i], &symbol);
        nw_elf_find_local(elf, names[i], &symbol);
    }
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (nw_elf_dynamic(elf, tags[i], &value) && nw_elf_file_offset(elf, value, 1, PF_R, &offset))
            NW_FUZZ_CHECK(offset < elf->size);
}

static void ask_place(const struct nw_elf *elf, uint64_t at)
{
    char name[20];
    struct nw_elf_range range;
    bool named = nw_elf_name_offset(elf, at, name, sizeof name);
    NW_FUZZ_CHECK(memchr(name, '\0', sizeof name) && named == (*name != '\0'));
    for (const char *c = name; *c; c++)
        NW_FUZZ_CHECK(*c > ' ' - 1 && *c < 127);
    const Elf64_Phdr *segment = nw_elf_code_segment(elf, at);
    if (!segment)
        return;
    NW_FUZZ_CHECK(segment->p_offset <= at && at - segment->p_offset < segment->p_filesz);
    if (!nw_elf_code_range(elf, segment, at, &range))
        return;
    NW_FUZZ_CHECK(range.start <= at && at < range.end);
    NW_FUZZ_CHECK(range.start >= segment->p_offset && range.end <= segment->p_offset + segment->p_filesz);
    nw_elf_symbol_inside(elf, segment, &range);
}

/* As an image is made of it: whole pages, zero behind the end of the file. */
static void rewrite(const struct nw_elf *elf, const Elf64_Phdr *segment)
{
    struct nw_rewrite_result result;
    uint64_t start = segment->p_offset & ~(uint64_t)(PAGE - 1);
    struct nw_elf_range slack = nw_elf_code_slack(elf, segment);
    NW_FUZZ_CHECK(slack.start <= slack.end);
    size_t size = (segment->p_offset + segment->p_filesz - start + PAGE - 1) & ~(size_t)(PAGE - 1);
    uint8_t *code = calloc(1, size ? size : 1);
    NW_FUZZ_CHECK(code);
    memcpy(code, elf->bytes + start, elf->size - start < size ? elf->size - start : size);
    size_t before = nw_scan(code, size, NULL, 0);
    nw_rewrite(code, size, start, elf, &result);
    NW_FUZZ_CHECK(nw_scan(code, size, NULL, 0) == 0 || result.left);
    NW_FUZZ_CHECK(result.rewritten <= NW_REWRITE_MAX && (before || !result.rewritten));
    NW_FUZZ_CHECK(!result.left || result.hit.offset + result.hit.length <= size);
    free(code);
}

static void ask(const uint8_t *bytes, size_t size)
{
    char why[24];
    struct nw_elf elf;
    if (nw_elf_open(&elf, bytes, size, why, sizeof why) != 0) {
        NW_FUZZ_CHECK(memchr(why, '\0', sizeof why));
        return;
    }
    ask_tables(&elf);
    for (uint64_t at = 0; at < size; at += 1 + size / 64)
        ask_place(&elf, at);
    ask_place(&elf, UINT64_MAX);
    for (size_t i = 0; i < elf.header.e_phnum; i++)
        if (elf.segments[i].p_type == PT_LOAD && (elf.segments[i].p_flags & PF_X))
            rewrite(&elf, &elf.segments[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[NW_FUNCTION_WHY_SIZE] = "";
    int rc = nw_function_check(data, size, why, sizeof why);
    NW_FUZZ_CHECK(rc == 0 || (*why && strlen(why) < sizeof why - 1));
    ask(data, size);
    return 0;
}
