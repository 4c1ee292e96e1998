/*
 * The rewriter of rewrite.h. For each hit it goes through the windows of whole instructions around it, the smallest
 * first, and through the forms that emit.h knows, puts the window into a trampoline and looks whether both places are
 * clean. All positions are offsets in the code.
 */
#include "protect/rewrite/rewrite.h"
#include "protect/rewrite/emit.h"
#include "protect/rewrite/window.h"

#include <stdlib.h>
#include <string.h>

/* A trampoline is tried at so many places in a row, since the distances between the two may form a sequence anew. */
#define PLACES 64

/* A function, and its instructions that hold the hit. */
struct place {
    struct nw__function function;
    size_t first, last;
};

/* Finds the instructions. False if one of them is what was found. */
static bool find_hit(const struct nw__code *code, const struct nw_scan_hit *hit, struct place *place)
{
    const struct nw__function *function = &place->function;
    size_t escape = hit->offset + hit->length - 3;
    struct nw_insn insn;
    struct nw_source source;

    for (size_t i = 0; i < function->count; i++) {
        size_t start = function->start + function->starts[i];
        if (!nw__function_decode(code, function, i, &insn, &source) || start + insn.opcode_at == escape)
            return false;
        if (start <= hit->offset)
            place->first = i;
        if (start < hit->offset + hit->length)
            place->last = i;
    }
    return true;
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
    if (!nw__is_indirect(source, 2) || !nw_insn_rip_relative(source->code, insn) || insn->address_32) {
        site->failed = true;
        return;
    }
    for (size_t i = NW_WINDOW_JUMP; i < insn->length; i++)
        nw__emit_bytes(site, "\x67", 1); /* a prefix without effect */
    nw__emit_bytes(site, "\xe8", 1);
    nw__emit_distance(site, trampoline->at, 0);
    nw__emit_bytes(trampoline, "\xff\x25", 2); /* jmp *distance(%rip) */
    nw__emit_distance(trampoline, nw__source_target(source), 0);
}

/* The site jumps to the trampoline, which holds the window's instructions and jumps back. */
static void build_move(const struct nw__code *code, const struct place *place, const struct nw__window *window,
                       enum nw_form form, struct nw_emit *site, struct nw_emit *trampoline)
{
    struct nw_insn insn;
    struct nw_source source;

    nw__emit_jump(site, trampoline->at);
    for (size_t i = window->first; i < window->first + window->count; i++) {
        if (!nw__function_decode(code, &place->function, i, &insn, &source) ||
            !nw__may_move(&source, i == window->first)) {
            trampoline->failed = true;
            return;
        }
        bool holds_hit = i >= place->first && i <= place->last;
        nw__emit_insn(trampoline, &source, holds_hit ? form : NW_FORM_PLAIN);
        if (window->count > 1)
            nw__emit_bytes(trampoline, "\x90", 1); /* so that no sequence spans two */
    }
    nw__emit_jump(trampoline, (int64_t)window->end);
}

/* How a window may be rewritten: in one of the forms, or NW_FORMS for a detour. */
static bool try_window(struct nw__code *code, const struct place *place, const struct nw__window *window,
                       unsigned int form)
{
    struct nw_insn insn;
    struct nw_source source;

    for (size_t n = 0; n < PLACES; n++) {
        struct nw_emit site = {.at = (int64_t)window->start};
        struct nw_emit trampoline = {.at = (int64_t)(code->free + n)};
        if (form < NW_FORMS)
            build_move(code, place, window, (enum nw_form)form, &site, &trampoline);
        else if (nw__function_decode(code, &place->function, window->first, &insn, &source))
            build_detour(&source, &site, &trampoline);
        if (site.failed || trampoline.failed || code->free + n + trampoline.size > code->free_end)
            return false;
        if (nw__window_commit(code, window, &site, &trampoline))
            return true;
    }
    return false;
}

static bool rewrite_window(struct nw__code *code, const struct place *place, const struct nw__window *window)
{
    if (window->count == 1 && try_window(code, place, window, NW_FORMS))
        return true;
    if (window->end - window->start < NW_WINDOW_JUMP || nw__window_is_entered(code, &place->function, window))
        return false;
    for (unsigned int form = 0; form < NW_FORMS; form++) {
        if (try_window(code, place, window, form))
            return true;
    }
    return false;
}

static bool rewrite_place(struct nw__code *code, const struct place *place)
{
    struct nw__window window;

    for (size_t count = 1; count <= NW_WINDOW_MAX; count++) {
        for (size_t end = place->first + 1; end < place->last + 1 + count; end++) {
            if (end >= count && nw__window_make(&place->function, end - count, count, &window) &&
                rewrite_window(code, place, &window))
                return true;
        }
    }
    return false;
}

static bool rewrite_hit(struct nw__code *code, const struct nw_scan_hit *hit)
{
    struct place place = {.first = 0};

    if (!nw__code_enter(code, hit->offset))
        return false;
    bool done = nw__function_open(code, hit->offset, &place.function) && find_hit(code, hit, &place) &&
                rewrite_place(code, &place);
    nw__function_close(&place.function);
    return done;
}

void nw_rewrite(uint8_t *code, size_t size, uint64_t file_offset, const struct nw_elf *elf,
                struct nw_rewrite_result *result)
{
    struct nw__code all = {.bytes = code, .size = size, .file_offset = file_offset, .elf = elf};

    *result = (struct nw_rewrite_result){0};
    while ((result->left = nw_scan(code, size, &result->hit, 1)) != 0) {
        if (elf == NULL || result->rewritten == NW_REWRITE_MAX || !rewrite_hit(&all, &result->hit))
            break;
        result->rewritten++;
    }
    nw__code_leave(&all);
}
