/*
 * The rewriter of rewrite.h. For each hit it goes through the windows of whole instructions around it, the smallest
 * first, and through the forms that emit.h knows, puts the window into a trampoline and looks whether both places are
 * clean. All positions are offsets in the image.
 */
#include "protect/rewrite/rewrite.h"
#include "protect/rewrite/emit.h"
#include "protect/scan/elf_code.h"

#include <stdlib.h>
#include <string.h>

#define INT3 0xcc

/* A larger function is not taken apart. */
#define FUNCTION_SIZE_MAX ((size_t)1 << 20)

/* How many bytes may be looked at for one image, so that a file made for it cannot take the time of others. */
#define WORK_MAX ((size_t)512 << 20)

/* The most instructions that one trampoline takes over. */
#define WINDOW_MAX 4

#define JUMP_SIZE 5

/* A trampoline is tried at so many places in a row, since the distances between the two may form a sequence anew. */
#define PLACES 64

struct image {
    uint8_t *code;
    size_t size;
    uint64_t file_offset;
    const struct nw_elf *elf;
    const Elf64_Phdr *segment;
    size_t free, free_end; /* room for trampolines behind the segment */
    size_t work;           /* bytes that were looked at */
};

/* A function taken apart. */
struct function {
    size_t start, end;
    uint32_t *starts; /* of its instructions, from `start` on, and its size at the end */
    size_t count;
    size_t first_hit, last_hit; /* the instructions that hold the hit */
    bool jumps_indirectly;
};

struct window {
    size_t first, count; /* instructions */
    size_t start, end;
};

static bool decode_at(const struct image *image, const struct function *function, size_t i, struct nw_insn *insn,
                      struct nw_source *source)
{
    size_t at = function->start + function->starts[i];

    *source = (struct nw_source){.code = image->code + at, .insn = insn, .at = (int64_t)at};
    return nw_insn_decode(image->code + at, function->end - at, insn);
}

static bool is_indirect(const struct nw_source *source, unsigned int reg)
{
    return source->insn->map == 0 && source->insn->opcode == 0xff && source->insn->encoding == NW_INSN_LEGACY &&
           (source->code[source->insn->modrm_at] & 0x38) == reg << 3;
}

static bool is_call(const struct nw_source *source)
{
    bool direct = source->insn->map == 0 && source->insn->opcode == 0xe8;

    return direct || is_indirect(source, 2) || is_indirect(source, 3);
}

/* Lists the instructions of a function. False if they do not end where it does, or one of them is what was found. */
static bool list_instructions(const struct image *image, const struct nw_scan_hit *hit, struct function *function)
{
    size_t escape = hit->offset + hit->length - 3, size = function->end - function->start;
    struct nw_insn insn;
    struct nw_source source;

    for (size_t at = 0; at < size; at += insn.length) {
        function->starts[function->count] = (uint32_t)at;
        if (!decode_at(image, function, function->count, &insn, &source))
            return false;
        size_t start = function->start + at;
        if (start + insn.opcode_at == escape)
            return false;
        if (start <= hit->offset)
            function->first_hit = function->count;
        if (start < hit->offset + hit->length)
            function->last_hit = function->count;
        function->jumps_indirectly |= is_indirect(&source, 4) || is_indirect(&source, 5);
        function->count++;
    }
    function->starts[function->count] = (uint32_t)size;
    return true;
}

/* Whether so many bytes more may be looked at. */
static bool spend(struct image *image, size_t bytes)
{
    if (bytes > WORK_MAX - image->work)
        return false;
    image->work += bytes;
    return true;
}

/* Takes the function around a hit apart; free its starts afterwards, whatever comes back. */
static bool open_function(struct image *image, const struct nw_scan_hit *hit, struct function *function)
{
    struct nw_elf_range range;

    *function = (struct function){0};
    if (!nw_elf_code_range(image->elf, image->segment, image->file_offset + hit->offset, &range) ||
        range.start < image->file_offset || range.end - image->file_offset > image->size ||
        range.end - range.start > FUNCTION_SIZE_MAX || !spend(image, range.end - range.start))
        return false;
    function->start = range.start - image->file_offset;
    function->end = range.end - image->file_offset;
    function->starts = malloc((range.end - range.start + 1) * sizeof *function->starts);
    return function->starts != NULL && list_instructions(image, hit, function);
}

/* Whether a direct branch of the function goes behind the window's first byte and before its end. */
static bool entered_from_function(const struct image *image, const struct function *function,
                                  const struct window *window)
{
    struct nw_insn insn;
    struct nw_source source;

    for (size_t i = 0; i < function->count; i++) {
        if (!decode_at(image, function, i, &insn, &source) || !nw_insn_direct_branch(source.code, &insn))
            continue;
        int64_t target = nw__source_target(&source);
        if (target > (int64_t)window->start && target < (int64_t)window->end)
            return true;
    }
    return false;
}

/* The same for anything in the image that looks like a long branch, whether it is one or not: parts of a function may
 * lie far from it. */
static bool entered_from_image(const struct image *image, const struct window *window)
{
    for (size_t at = 0; at + JUMP_SIZE < image->size; at++) {
        const uint8_t *p = image->code + at;
        bool conditional = p[0] == 0x0f && (p[1] & 0xf0) == 0x80;
        if (!conditional && (p[0] & 0xfe) != 0xe8)
            continue;
        int64_t target = (int64_t)at + (conditional ? 6 : 5) + nw_insn_value(p + 1 + conditional, 4);
        if (target > (int64_t)window->start && target < (int64_t)window->end)
            return true;
    }
    return false;
}

/* Whether something may arrive between the window's instructions. */
static bool is_entered(struct image *image, const struct function *function, const struct window *window)
{
    struct nw_elf_range range = {window->start + image->file_offset, window->end + image->file_offset};

    if (!spend(image, function->end - function->start) || entered_from_function(image, function, window))
        return true;
    return window->count > 1 &&
           (!spend(image, image->size) || function->jumps_indirectly ||
            nw_elf_symbol_inside(image->elf, image->segment, &range) || entered_from_image(image, window));
}

/* Whether any hit touches [start, end). */
static bool is_touched(const struct image *image, size_t start, size_t end)
{
    struct nw_scan_hit hits[2 * NW_SCAN_CONTEXT + 16];
    size_t from = start < NW_SCAN_CONTEXT ? 0 : start - NW_SCAN_CONTEXT;
    size_t to = image->size - end < NW_SCAN_CONTEXT ? image->size : end + NW_SCAN_CONTEXT;
    size_t max = sizeof hits / sizeof hits[0], found = nw_scan(image->code + from, to - from, hits, max);

    for (size_t i = 0; i < found && i < max; i++) {
        size_t at = from + hits[i].offset;
        if (at < end && at + hits[i].length > start)
            return true;
    }
    return found > max;
}

/* Puts bytes in place of the window and a trampoline into the room behind. Undoes it unless both are clean then. */
static bool commit(struct image *image, const struct window *window, const struct nw_emit *site,
                   const struct nw_emit *trampoline)
{
    uint8_t *from = image->code + window->start, *to = image->code + trampoline->at;
    size_t size = window->end - window->start, at = (size_t)trampoline->at;
    uint8_t old_from[WINDOW_MAX * NW_INSN_MAX], old_to[NW_EMIT_MAX];

    memcpy(old_from, from, size);
    memcpy(old_to, to, trampoline->size);
    memset(from, INT3, size);
    memcpy(from, site->bytes, site->size);
    memcpy(to, trampoline->bytes, trampoline->size);
    if (!is_touched(image, window->start, window->end) && !is_touched(image, at, at + trampoline->size)) {
        image->free = at + trampoline->size;
        return true;
    }
    memcpy(from, old_from, size);
    memcpy(to, old_to, trampoline->size);
    return false;
}

/* A direct or RIP-relative call, or a long jump, goes on to the trampoline, which goes where it went. The address that
 * it returns to stays the same. */
static void build_detour(const struct nw_source *source, struct nw_emit *site, struct nw_emit *trampoline)
{
    const struct nw_insn *insn = source->insn;

    if (nw_insn_direct_branch(source->code, insn) && insn->imm_size == 4 && insn->opcode != 0xc7) {
        nw__emit_bytes(site, source->code, insn->imm_at);
        nw__emit_distance(site, trampoline->at, 0);
        nw__emit_jump(trampoline, nw__source_target(source));
        return;
    }
    if (!is_indirect(source, 2) || !nw_insn_rip_relative(source->code, insn) || insn->address_32) {
        site->failed = true;
        return;
    }
    for (size_t i = JUMP_SIZE; i < insn->length; i++)
        nw__emit_bytes(site, "\x67", 1); /* a prefix without effect */
    nw__emit_bytes(site, "\xe8", 1);
    nw__emit_distance(site, trampoline->at, 0);
    nw__emit_bytes(trampoline, "\xff\x25", 2); /* jmp *distance(%rip) */
    nw__emit_distance(trampoline, nw__source_target(source), 0);
}

/* Where it stands matters to SYSCALL, which stores it, and to LOOP, JRCXZ and XBEGIN, which have no long form. */
static bool may_move(const struct nw_source *source, bool first)
{
    const struct nw_insn *insn = source->insn;
    bool landing = insn->length == 4 && memcmp(source->code, "\xf3\x0f\x1e\xfa", 4) == 0;
    bool syscall = insn->map == 1 && insn->encoding == NW_INSN_LEGACY && (insn->opcode == 0x05 || insn->opcode == 0x34);

    return !is_call(source) && !syscall && (first || !landing);
}

/* The site jumps to the trampoline, which holds the window's instructions and jumps back. */
static void build_move(const struct image *image, const struct function *function, const struct window *window,
                       enum nw_form form, struct nw_emit *site, struct nw_emit *trampoline)
{
    struct nw_insn insn;
    struct nw_source source;

    nw__emit_jump(site, trampoline->at);
    for (size_t i = window->first; i < window->first + window->count; i++) {
        if (!decode_at(image, function, i, &insn, &source) || !may_move(&source, i == window->first)) {
            trampoline->failed = true;
            return;
        }
        bool holds_hit = i >= function->first_hit && i <= function->last_hit;
        nw__emit_insn(trampoline, &source, holds_hit ? form : NW_FORM_PLAIN);
        if (window->count > 1)
            nw__emit_bytes(trampoline, "\x90", 1); /* so that no sequence spans two */
    }
    nw__emit_jump(trampoline, (int64_t)window->end);
}

/* How a window may be rewritten: in one of the forms, or NW_FORMS for a detour. */
static bool try_window(struct image *image, const struct function *function, const struct window *window,
                       unsigned int form)
{
    struct nw_insn insn;
    struct nw_source source;

    for (size_t place = 0; place < PLACES; place++) {
        struct nw_emit site = {.at = (int64_t)window->start};
        struct nw_emit trampoline = {.at = (int64_t)(image->free + place)};
        if (form < NW_FORMS)
            build_move(image, function, window, (enum nw_form)form, &site, &trampoline);
        else if (decode_at(image, function, window->first, &insn, &source))
            build_detour(&source, &site, &trampoline);
        if (site.failed || trampoline.failed || image->free + place + trampoline.size > image->free_end)
            return false;
        if (commit(image, window, &site, &trampoline))
            return true;
    }
    return false;
}

/* The window of `count` instructions from `first` on; false if there is none. */
static bool make_window(const struct function *function, size_t first, size_t count, struct window *window)
{
    if (first >= function->count || count > function->count - first)
        return false;
    *window = (struct window){
        .first = first,
        .count = count,
        .start = function->start + function->starts[first],
        .end = function->start + function->starts[first + count],
    };
    return true;
}

static bool rewrite_window(struct image *image, const struct function *function, const struct window *window)
{
    if (window->count == 1 && try_window(image, function, window, NW_FORMS))
        return true;
    if (window->end - window->start < JUMP_SIZE || is_entered(image, function, window))
        return false;
    for (unsigned int form = 0; form < NW_FORMS; form++) {
        if (try_window(image, function, window, form))
            return true;
    }
    return false;
}

static bool rewrite_in_function(struct image *image, const struct function *function)
{
    struct window window;

    for (size_t count = 1; count <= WINDOW_MAX; count++) {
        for (size_t end = function->first_hit + 1; end < function->last_hit + 1 + count; end++) {
            if (end >= count && make_window(function, end - count, count, &window) &&
                rewrite_window(image, function, &window))
                return true;
        }
    }
    return false;
}

/* Finds the segment of a hit and the room behind it. The seam to what follows in memory stays as it is. */
static bool enter_segment(struct image *image, const struct nw_scan_hit *hit)
{
    const Elf64_Phdr *segment = nw_elf_code_segment(image->elf, image->file_offset + hit->offset);

    if (segment == NULL || segment == image->segment)
        return segment != NULL;
    struct nw_elf_range slack = nw_elf_code_slack(image->elf, segment);
    if (slack.start < image->file_offset || slack.end - image->file_offset > image->size)
        return false;
    image->segment = segment;
    image->free = slack.start - image->file_offset;
    image->free_end = slack.end - image->file_offset;
    image->free_end = image->free_end < NW_SCAN_CONTEXT ? 0 : image->free_end - NW_SCAN_CONTEXT;
    return true;
}

static bool rewrite_hit(struct image *image, const struct nw_scan_hit *hit)
{
    struct function function;

    if (!enter_segment(image, hit))
        return false;
    bool done = open_function(image, hit, &function) && rewrite_in_function(image, &function);
    free(function.starts);
    return done;
}

void nw_rewrite(uint8_t *code, size_t size, uint64_t file_offset, const struct nw_elf *elf,
                struct nw_rewrite_result *result)
{
    struct image image = {.code = code, .size = size, .file_offset = file_offset, .elf = elf};

    *result = (struct nw_rewrite_result){0};
    while ((result->left = nw_scan(code, size, &result->hit, 1)) != 0) {
        if (elf == NULL || result->rewritten == NW_REWRITE_MAX || !rewrite_hit(&image, &result->hit))
            return;
        result->rewritten++;
    }
}
