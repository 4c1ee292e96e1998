/* See cpuid.h. All positions are offsets in the code. */
#include "protect/rewrite/cpuid.h"
#include "protect/rewrite/emit.h"
#include "protect/rewrite/window.h"
#include "protect/scan/scan.h"

#include <cpuid.h>
#include <string.h>

#define CPUID_SIZE 2
#define OPCODE     0xa2 /* behind 0F */

#define EXTENDED 0x80000000u
#define HYBRID   (1u << 15) /* leaf 7, EDX: processors of different kinds */

/* See cpuid_code.S. */
extern const uint8_t nw__cpuid_code[], nw__cpuid_code_end[];

/* ---- what the processor says ---- */

struct list {
    struct nw_cpuid_answer *answers;
    size_t n;
};

/* The answer, or NULL where there is none: such a leaf says what another one does. */
static const struct nw_cpuid_answer *ask(struct list *list, uint32_t leaf, uint32_t subleaf)
{
    struct nw_cpuid_answer a = {.leaf = leaf, .subleaf = subleaf};
    uint32_t most, other[3];

    __cpuid(leaf & EXTENDED, most, other[0], other[1], other[2]);
    if (leaf > most || list->n + 1 == NW_CPUID_ANSWERS_MAX) /* one is left for the end */
        return NULL;
    __cpuid_count(leaf, subleaf == NW_CPUID_ANY ? 0 : subleaf, a.eax, a.ebx, a.ecx, a.edx);
    list->answers[list->n] = a;
    return &list->answers[list->n++];
}

/* Subleaves that are numbered from 0 on. `goes_on`: bits of EAX, all 0 in the last one. */
static void ask_all(struct list *list, uint32_t leaf, uint32_t goes_on)
{
    const struct nw_cpuid_answer *a;

    for (uint32_t i = 0; (a = ask(list, leaf, i)) && a->eax & goes_on; i++)
        continue;
}

/* How large each part of the state is that XSAVE saves; those that do not exist are not asked for. */
static void ask_state(struct list *list)
{
    for (uint32_t i = 0; i < 32; i++) {
        const struct nw_cpuid_answer *a = ask(list, 0xd, i);

        if (a && i > 1 && !a->eax)
            list->n--;
    }
}

/* Not leaves 1, 0xb and 0x1f: they name the processor that asks. */
size_t nw_cpuid_ask(struct nw_cpuid_answer answers[NW_CPUID_ANSWERS_MAX])
{
    static const uint32_t plain[] = {
        0, 2, 0x19, EXTENDED, EXTENDED + 1, EXTENDED + 5, EXTENDED + 6, EXTENDED + 7, EXTENDED + 8};
    struct list list = {.answers = answers};
    const struct nw_cpuid_answer *features = ask(&list, 7, 0);

    if (features && features->edx & HYBRID)
        return 0;
    ask(&list, 7, 1);
    ask_all(&list, 4, 0x1f);
    ask_all(&list, EXTENDED + 0x1d, 0x1f);
    ask(&list, 0x14, 0);
    ask_state(&list);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        ask(&list, plain[i], NW_CPUID_ANY);
    return list.n;
}

/* ---- where code asks ---- */

/* Puts the code that all trampolines call behind the segment, and the answers behind it. */
static bool put_common(struct nw__code *code, const struct nw_cpuid_answer *answers, size_t n, size_t *common)
{
    const struct nw_cpuid_answer end = {.subleaf = NW_CPUID_END};
    size_t size = (size_t)(nw__cpuid_code_end - nw__cpuid_code), all = size + n * sizeof *answers + sizeof end;
    uint8_t *to = code->bytes + code->free, old[1024 + NW_CPUID_ANSWERS_MAX * NW_CPUID_ANSWER_SIZE];
    size_t before = code->free < NW_SCAN_CONTEXT ? code->free : NW_SCAN_CONTEXT;

    if (code->free > code->free_end || all > code->free_end - code->free || all > sizeof old)
        return false;
    memcpy(old, to, all);
    memcpy(to, nw__cpuid_code, size);
    memcpy(to + size, answers, n * sizeof *answers);
    memcpy(to + size + n * sizeof *answers, &end, sizeof end);
    *common = code->free;
    if (nw_scan(to - before, before + all + NW_SCAN_CONTEXT, NULL, 0) == 0) {
        code->free += all;
        return true;
    }
    memcpy(to, old, all);
    return false;
}

static void emit_call(struct nw_emit *out, size_t common)
{
    nw__emit_bytes(out, "\x48\x8d\x64\x24\x80", 5); /* lea -128(%rsp), %rsp: the red zone */
    nw__emit_bytes(out, "\xe8", 1);
    nw__emit_distance(out, (int64_t)common, 0);
    nw__emit_bytes(out, "\x48\x8d\xa4\x24\x80\0\0\0", 8); /* lea 128(%rsp), %rsp */
}

static bool is_cpuid(const struct nw_source *source)
{
    return source->insn->map == 1 && source->insn->opcode == OPCODE && source->insn->encoding == NW_INSN_LEGACY &&
           source->insn->length == CPUID_SIZE;
}

static bool emit_window(const struct nw__code *code, const struct nw__function *function,
                        const struct nw__window *window, size_t common, struct nw_emit *out)
{
    struct nw_insn insn;
    struct nw_source source;

    for (size_t i = window->first; i < window->first + window->count; i++) {
        if (!nw__function_decode(code, function, i, &insn, &source) || !nw__may_move(&source, i == window->first))
            return false;
        if (is_cpuid(&source))
            emit_call(out, common);
        else
            nw__emit_insn(out, &source, NW_FORM_PLAIN);
    }
    nw__emit_jump(out, (int64_t)window->end);
    return !out->failed;
}

/* What the jump is put over: if the first instruction is long enough, that alone, so that the others stay for whoever
 * jumps to them; else all, if nobody does. */
static bool find_site(struct nw__code *code, const struct nw__function *function, const struct nw__window *window,
                      struct nw__window *site)
{
    *site = *window;
    site->end = function->start + function->starts[window->first + 1];
    if (site->end - site->start >= NW_WINDOW_JUMP)
        return true;
    site->end = window->end;
    return site->end - site->start >= NW_WINDOW_JUMP && !nw__window_is_entered(code, function, window);
}

static bool take_window(struct nw__code *code, const struct nw__function *function, const struct nw__window *window,
                        size_t common)
{
    struct nw_emit jump = {.at = (int64_t)window->start}, trampoline = {.at = (int64_t)code->free};
    struct nw__window site;

    nw__emit_jump(&jump, trampoline.at);
    return emit_window(code, function, window, common, &trampoline) && !jump.failed &&
           trampoline.size <= code->free_end - code->free && find_site(code, function, window, &site) &&
           nw__window_commit(code, &site, &jump, &trampoline);
}

/* The smallest window around instruction `i` that can go. */
static bool take_instruction(struct nw__code *code, const struct nw__function *function, size_t i, size_t common)
{
    struct nw__window window;

    for (size_t count = 2; count <= NW_WINDOW_MAX; count++)
        for (size_t back = 0; back < count && back <= i; back++)
            if (nw__window_make(function, i - back, count, &window) && take_window(code, function, &window, common))
                return true;
    return false;
}

/* Whether decoding the function from its start comes to a CPUID here. */
static bool find_instruction(const struct nw__code *code, const struct nw__function *function, size_t at, size_t *i)
{
    struct nw_insn insn;
    struct nw_source source;

    for (*i = 0; *i < function->count && function->start + function->starts[*i] < at;)
        ++*i;
    return *i < function->count && function->start + function->starts[*i] == at &&
           nw__function_decode(code, function, *i, &insn, &source) && is_cpuid(&source);
}

static bool take(struct nw__code *code, size_t at, size_t common)
{
    struct nw__function function;
    size_t i;
    bool taken = nw__function_open(code, at, &function) && find_instruction(code, &function, at, &i) &&
                 take_instruction(code, &function, i, common);

    nw__function_close(&function);
    return taken;
}

size_t nw_cpuid(uint8_t *code, size_t size, uint64_t file_offset, const struct nw_elf *elf,
                const struct nw_cpuid_answer *answers, size_t n_answers, size_t *used)
{
    struct nw__code all = {.bytes = code, .size = size, .file_offset = file_offset, .elf = elf};
    size_t taken = 0, common, end;

    if (n_answers == 0 || n_answers > NW_CPUID_ANSWERS_MAX || !nw__code_enter(&all, 0))
        return 0;
    end = all.free;
    all.free += *used;
    if (!put_common(&all, answers, n_answers, &common))
        return 0;
    for (size_t at = 0; at + CPUID_SIZE <= end; at++)
        if (code[at] == 0x0f && code[at + 1] == OPCODE)
            taken += take(&all, at, common);
    nw__code_leave(&all);
    *used = all.free - end;
    return taken;
}
