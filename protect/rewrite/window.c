/* See window.h. */
#include "protect/rewrite/window.h"
#include "protect/scan/elf_code.h"
#include "protect/scan/scan.h"

#include <stdlib.h>
#include <string.h>

#define INT3 0xcc

/* A larger function is not taken apart. */
#define FUNCTION_SIZE_MAX ((size_t)1 << 20)

/* How many bytes may be looked at for one image, so that a file made for it cannot take the time of others. */
#define WORK_MAX ((size_t)512 << 20)

bool nw__code_enter(struct nw__code *code, size_t at)
{
    const Elf64_Phdr *segment = nw_elf_code_segment(code->elf, code->file_offset + at);

    if (segment == NULL || segment == code->segment)
        return segment != NULL;
    struct nw_elf_range slack = nw_elf_code_slack(code->elf, segment);
    if (slack.start < code->file_offset || slack.end - code->file_offset > code->size)
        return false;
    code->segment = segment;
    code->free = slack.start - code->file_offset;
    code->free_end = slack.end - code->file_offset;
    code->free_end = code->free_end < NW_SCAN_CONTEXT ? 0 : code->free_end - NW_SCAN_CONTEXT;
    return true;
}

void nw__code_leave(struct nw__code *code)
{
    free(code->targets);
    code->targets = NULL;
}

bool nw__function_decode(const struct nw__code *code, const struct nw__function *function, size_t i,
                         struct nw_insn *insn, struct nw_source *source)
{
    size_t at = function->start + function->starts[i];

    *source = (struct nw_source){.code = code->bytes + at, .insn = insn, .at = (int64_t)at};
    return nw_insn_decode(code->bytes + at, function->end - at, insn);
}

bool nw__is_indirect(const struct nw_source *source, unsigned int reg)
{
    return source->insn->map == 0 && source->insn->opcode == 0xff && source->insn->encoding == NW_INSN_LEGACY &&
           (source->code[source->insn->modrm_at] & 0x38) == reg << 3;
}

static bool is_call(const struct nw_source *source)
{
    bool direct = source->insn->map == 0 && source->insn->opcode == 0xe8;

    return direct || nw__is_indirect(source, 2) || nw__is_indirect(source, 3);
}

/* Where it stands matters to SYSCALL, which stores it, and to LOOP, JRCXZ and XBEGIN, which have no long form. */
bool nw__may_move(const struct nw_source *source, bool first)
{
    const struct nw_insn *insn = source->insn;
    bool landing = insn->length == 4 && memcmp(source->code, "\xf3\x0f\x1e\xfa", 4) == 0;
    bool syscall = insn->map == 1 && insn->encoding == NW_INSN_LEGACY && (insn->opcode == 0x05 || insn->opcode == 0x34);

    return !is_call(source) && !syscall && (first || !landing);
}

/* Lists the instructions of a function. False if they do not end where it does. */
static bool list_instructions(const struct nw__code *code, struct nw__function *function)
{
    size_t size = function->end - function->start;
    struct nw_insn insn;
    struct nw_source source;

    for (size_t at = 0; at < size; at += insn.length) {
        function->starts[function->count] = (uint32_t)at;
        if (!nw__function_decode(code, function, function->count, &insn, &source))
            return false;
        function->jumps_indirectly |= nw__is_indirect(&source, 4) || nw__is_indirect(&source, 5);
        function->count++;
    }
    function->starts[function->count] = (uint32_t)size;
    return true;
}

/* Whether so many bytes more may be looked at. */
static bool spend(struct nw__code *code, size_t bytes)
{
    if (bytes > WORK_MAX - code->work)
        return false;
    code->work += bytes;
    return true;
}

bool nw__function_open(struct nw__code *code, size_t at, struct nw__function *function)
{
    struct nw_elf_range range;

    *function = (struct nw__function){0};
    if (!nw_elf_code_range(code->elf, code->segment, code->file_offset + at, &range) ||
        range.start < code->file_offset || range.end - code->file_offset > code->size ||
        range.end - range.start > FUNCTION_SIZE_MAX || !spend(code, range.end - range.start))
        return false;
    function->start = range.start - code->file_offset;
    function->end = range.end - code->file_offset;
    function->starts = malloc((range.end - range.start + 1) * sizeof *function->starts);
    return function->starts != NULL && list_instructions(code, function);
}

void nw__function_close(struct nw__function *function)
{
    free(function->starts);
    function->starts = NULL;
}

bool nw__window_make(const struct nw__function *function, size_t first, size_t count, struct nw__window *window)
{
    if (first >= function->count || count > function->count - first)
        return false;
    *window = (struct nw__window){
        .first = first,
        .count = count,
        .start = function->start + function->starts[first],
        .end = function->start + function->starts[first + count],
    };
    return true;
}

/* Whether a direct branch of the function goes behind the window's first byte and before its end. */
static bool entered_from_function(const struct nw__code *code, const struct nw__function *function,
                                  const struct nw__window *window)
{
    struct nw_insn insn;
    struct nw_source source;

    for (size_t i = 0; i < function->count; i++) {
        if (!nw__function_decode(code, function, i, &insn, &source) || !nw_insn_direct_branch(source.code, &insn))
            continue;
        int64_t target = nw__source_target(&source);
        if (target > (int64_t)window->start && target < (int64_t)window->end)
            return true;
    }
    return false;
}

/* Notes where anything in [start, end) that looks like a long branch goes, whether it is one or not. */
static void note_targets(struct nw__code *code, size_t start, size_t end)
{
    for (size_t at = start; at < end && at + NW_WINDOW_JUMP < code->size; at++) {
        const uint8_t *p = code->bytes + at;
        bool conditional = p[0] == 0x0f && (p[1] & 0xf0) == 0x80;
        if (!conditional && (p[0] & 0xfe) != 0xe8)
            continue;
        int64_t target = (int64_t)at + (conditional ? 6 : 5) + nw_insn_value(p + 1 + conditional, 4);
        if (target >= 0 && (uint64_t)target < code->size)
            code->targets[target / 8] |= (uint8_t)(1u << target % 8);
    }
}

/* The same for code anywhere: parts of a function may lie far from it. */
static bool entered_from_afar(struct nw__code *code, const struct nw__window *window)
{
    if (code->targets == NULL) {
        code->targets = spend(code, code->size) ? calloc(code->size / 8 + 1, 1) : NULL;
        if (code->targets == NULL)
            return true;
        note_targets(code, 0, code->size);
    }
    for (size_t at = window->start + 1; at < window->end; at++)
        if (code->targets[at / 8] & 1u << at % 8)
            return true;
    return false;
}

/* Bytes were changed. What jumped from there before stays noted. */
static void note_changed(struct nw__code *code, size_t start, size_t end)
{
    if (code->targets != NULL)
        note_targets(code, start < NW_WINDOW_JUMP ? 0 : start - NW_WINDOW_JUMP, end);
}

bool nw__window_is_entered(struct nw__code *code, const struct nw__function *function, const struct nw__window *window)
{
    struct nw_elf_range range = {window->start + code->file_offset, window->end + code->file_offset};

    if (window->count > 1 && function->jumps_indirectly)
        return true;
    if (!spend(code, function->end - function->start) || entered_from_function(code, function, window))
        return true;
    return window->count > 1 &&
           (nw_elf_symbol_inside(code->elf, code->segment, &range) || entered_from_afar(code, window));
}

/* Whether any hit touches [start, end). */
static bool is_touched(const struct nw__code *code, size_t start, size_t end)
{
    struct nw_scan_hit hits[2 * NW_SCAN_CONTEXT + 16];
    size_t from = start < NW_SCAN_CONTEXT ? 0 : start - NW_SCAN_CONTEXT;
    size_t to = code->size - end < NW_SCAN_CONTEXT ? code->size : end + NW_SCAN_CONTEXT;
    size_t max = sizeof hits / sizeof hits[0], found = nw_scan(code->bytes + from, to - from, hits, max);

    for (size_t i = 0; i < found && i < max; i++) {
        size_t at = from + hits[i].offset;
        if (at < end && at + hits[i].length > start)
            return true;
    }
    return found > max;
}

bool nw__window_commit(struct nw__code *code, const struct nw__window *window, const struct nw_emit *site,
                       const struct nw_emit *trampoline)
{
    uint8_t *from = code->bytes + window->start, *to = code->bytes + trampoline->at;
    size_t size = window->end - window->start, at = (size_t)trampoline->at;
    uint8_t old_from[NW_WINDOW_MAX * NW_INSN_MAX], old_to[NW_EMIT_MAX];

    memcpy(old_from, from, size);
    memcpy(old_to, to, trampoline->size);
    memset(from, INT3, size);
    memcpy(from, site->bytes, site->size);
    memcpy(to, trampoline->bytes, trampoline->size);
    if (!is_touched(code, window->start, window->end) && !is_touched(code, at, at + trampoline->size)) {
        code->free = at + trampoline->size;
        note_changed(code, window->start, window->end);
        note_changed(code, at, at + trampoline->size);
        return true;
    }
    memcpy(from, old_from, size);
    memcpy(to, old_to, trampoline->size);
    return false;
}
