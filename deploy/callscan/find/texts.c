/*
 * See texts.h. What lies in memory that is written is put together of what is written where: each write that begins at
 * a place is one possibility, and where its bytes end without a NUL the next one begins. Whatever else may change one
 * of the bytes makes the text unknown.
 */
#include "deploy/callscan/find/texts.h"
#include "deploy/callscan/find/copies.h"
#include "deploy/callscan/find/writes.h"
#include "deploy/callscan/ir/text.h"
#include "deploy/callscan/known/known.h"
#include "deploy/callscan/known/string.h"
#include <stdlib.h>
#include <string.h>

#define PAIRS_DEPTH 6

void nw__texts_add(struct nw_texts *texts, const char *text)
{
    size_t length = strlen(text);

    for (unsigned i = 0; i < texts->n; i++)
        if (strcmp(texts->at[i], text) == 0)
            return;
    if (texts->n == NW_TEXTS_ROOM || length >= NW_TEXT_ROOM)
        texts->any = true;
    else
        memcpy(texts->at[texts->n++], text, length + 1);
}

/* A text that lies in a variable from the start. */
static void add_initial(LLVMValueRef variable, int64_t offset, struct nw_texts *texts)
{
    char text[NW_TEXT_ROOM];
    long n = nw_text_bytes(variable, offset, text, sizeof text);

    if (n <= 0 || !memchr(text, '\0', (size_t)n))
        texts->any = true;
    else
        nw__texts_add(texts, text);
}

static void add_rows(struct nw_flow *flow, LLVMValueRef variable, struct nw_target place, struct nw_texts *texts)
{
    int64_t size = (int64_t)LLVMABISizeOfType(nw_flow_layout(flow), LLVMGlobalGetValueType(variable));

    if (place.stride == 0)
        add_initial(variable, place.offset, texts);
    else if (place.stride < 2 || size / place.stride > NW_TEXTS_ROOM)
        texts->any = true;
    else
        for (int64_t offset = place.offset; offset < size; offset += place.stride)
            add_initial(variable, offset, texts);
}

static bool is_strlen_of(LLVMValueRef length, LLVMValueRef text)
{
    LLVMValueRef callee = LLVMIsACallInst(length) ? LLVMGetCalledValue(length) : NULL;
    const struct nw_known *known = callee && LLVMIsAFunction(callee) ? nw_known_function(callee) : NULL;

    return known && known->result == NW_RESULT_LENGTH && LLVMGetOperand(length, 0) == text;
}

/* Texts of a pointer and a length that belong together: where both are chosen by the same condition, each with its own.
 */
static void add_pairs(struct nw_flow *flow, const struct nw_writes *writes, LLVMValueRef source, LLVMValueRef length,
                      unsigned depth, unsigned pairs, struct nw_texts *texts)
{
    char bytes[NW_TEXT_ROOM];
    int64_t number;
    long n;

    if (pairs > PAIRS_DEPTH) {
        texts->any = true;
    } else if (is_strlen_of(length, source)) {
        nw__texts_of(flow, writes, source, depth, texts);
    } else if (LLVMIsASelectInst(source) && LLVMIsASelectInst(length) &&
               LLVMGetOperand(source, 0) == LLVMGetOperand(length, 0)) {
        for (unsigned i = 1; i <= 2; i++)
            add_pairs(flow, writes, LLVMGetOperand(source, i), LLVMGetOperand(length, i), depth, pairs + 1, texts);
    } else if (LLVMIsAPHINode(source) && LLVMIsAPHINode(length) &&
               LLVMGetInstructionParent(source) == LLVMGetInstructionParent(length)) {
        for (unsigned i = 0; i < LLVMCountIncoming(source); i++)
            for (unsigned k = 0; k < LLVMCountIncoming(length); k++)
                if (LLVMGetIncomingBlock(source, i) == LLVMGetIncomingBlock(length, k))
                    add_pairs(flow, writes, LLVMGetIncomingValue(source, i), LLVMGetIncomingValue(length, k), depth,
                              pairs + 1, texts);
    } else {
        n = nw__constant_bytes(flow, source, bytes, sizeof bytes);
        if (n > 0 && nw__one_number(flow, length, &number) && number <= n && number < (int64_t)sizeof bytes) {
            bytes[number] = '\0';
            nw__texts_add(texts, bytes);
        } else {
            texts->any = true;
        }
    }
}

/* Bytes from one place of a constant to its end. */
static void add_ranges(struct nw_flow *flow, LLVMValueRef first, LLVMValueRef last, struct nw_texts *texts)
{
    struct nw_targets from = nw_flow_targets(flow, first, 0), to = nw_flow_targets(flow, last, 0);

    for (size_t i = 0; i < from.n; i++) {
        LLVMValueRef variable = nw_object_value(flow, from.at[i].object);
        int64_t length = -1;
        char text[NW_TEXT_ROOM] = "";

        if (nw_object_kind(flow, from.at[i].object) == NW_OBJECT_GLOBAL && LLVMIsGlobalConstant(variable))
            length = nw_text_length(variable, from.at[i].offset);
        for (size_t k = 0; k < to.n; k++)
            if (to.at[k].object != from.at[i].object && nw_object_kind(flow, to.at[k].object) == NW_OBJECT_GLOBAL)
                continue; /* the end of another text */
            else if (to.at[k].object != from.at[i].object || to.at[k].stride ||
                     to.at[k].offset != from.at[i].offset + length)
                length = -1;
        if (length < 0 || length >= (int64_t)sizeof text || from.at[i].stride ||
            nw_text_bytes(variable, from.at[i].offset, text, sizeof text) <= length)
            texts->any = true;
        else
            nw__texts_add(texts, text);
    }
    texts->any |= from.n == 0 || to.n == 0;
}

/* Adds what a format prints from `format` on; the texts that it takes are those of the arguments from `argument` on. */
static void add_printed(struct nw_flow *flow, const struct nw_writes *writes, LLVMValueRef call, unsigned argument,
                        const char *format, const char *so_far, unsigned depth, struct nw_texts *texts)
{
    char text[NW_TEXT_ROOM];
    struct nw_texts given = {0};
    size_t plain = strcspn(format, "%"), length = strlen(so_far);

    if (length + plain >= sizeof text || depth > NW_TEXTS_DEPTH) {
        texts->any = true;
        return;
    }
    memcpy(text, so_far, length);
    memcpy(text + length, format, plain);
    text[length + plain] = '\0';
    if (!format[plain]) {
        nw__texts_add(texts, text);
        return;
    }
    if (format[plain + 1] != 's' || argument >= LLVMGetNumArgOperands(call)) {
        texts->any = true;
        return;
    }
    nw__texts_of(flow, writes, LLVMGetOperand(call, argument), depth + 1, &given);
    texts->any |= given.any;
    for (unsigned i = 0; i < given.n; i++) {
        char longer[2 * NW_TEXT_ROOM];
        memcpy(longer, text, length + plain);
        memcpy(longer + length + plain, given.at[i], strlen(given.at[i]) + 1);
        add_printed(flow, writes, call, argument + 1, format + plain + 2, longer, depth + 1, texts);
    }
}

static void print(struct nw_flow *flow, const struct nw_writes *writes, const struct nw_write *write, unsigned depth,
                  struct nw_texts *texts)
{
    struct nw_texts formats = {0};
    unsigned argument = 0;

    nw__texts_of(flow, writes, write->source, depth, &formats);
    texts->any |= formats.any;
    while (LLVMGetOperand(write->by, argument) != write->source)
        argument++;
    for (unsigned i = 0; i < formats.n; i++)
        add_printed(flow, writes, write->by, argument + 1, formats.at[i], "", depth, texts);
}

/* Whether one block can follow the other. */
static bool leads_to(LLVMBasicBlockRef from, LLVMBasicBlockRef to)
{
    struct nw_table seen = {0};
    LLVMBasicBlockRef *stack = NULL;
    size_t n = 0, room = 0;
    bool found = false;

    stack = nw_grow(stack, n, &room, sizeof *stack);
    stack[n++] = from;
    while (n > 0 && !found) {
        LLVMValueRef last = LLVMGetBasicBlockTerminator(stack[--n]);
        for (unsigned i = 0; last && i < LLVMGetNumSuccessors(last); i++) {
            LLVMBasicBlockRef next = LLVMGetSuccessor(last, i);
            size_t before = seen.n;
            found |= next == to;
            nw_table_put(&seen, (uintptr_t)next, 0, 0);
            if (seen.n == before)
                continue;
            stack = nw_grow(stack, n, &room, sizeof *stack);
            stack[n++] = next;
        }
    }
    nw_table_fini(&seen);
    free(stack);
    return found;
}

/* Whether the string is empty before this write, or replaced as a whole by it. */
static bool replaces_all(struct nw_flow *flow, const struct nw_writes *writes, uint32_t object,
                         const struct nw_write *write)
{
    LLVMValueRef position = LLVMGetOperand(write->by, 1), count = LLVMGetOperand(write->by, 2);
    LLVMBasicBlockRef here = LLVMGetInstructionParent(write->by);

    if (!LLVMIsNull(position))
        return false;
    if (LLVMIsALoadInst(count)) { /* as long as it was */
        struct nw_targets from = nw_flow_targets(flow, LLVMGetOperand(count, 0), 0);
        return from.n == 1 && from.at[0].object == object &&
               from.at[0].offset == write->offset - NW_STRING_BYTES + NW_STRING_LENGTH;
    }
    if (!LLVMIsNull(count))
        return false;
    for (const struct nw_write *w = nw__writes_of(writes, object); w; w = nw__write_next(writes, w)) {
        bool empties = w->kind == NW_WRITE_ZEROES || (w->kind == NW_WRITE_STORE && LLVMIsNull(w->source));
        if (w == write || empties || w->stride || w->offset != write->offset)
            continue;
        if (w->kind != NW_WRITE_REPLACE || leads_to(here, LLVMGetInstructionParent(w->by)) ||
            leads_to(LLVMGetInstructionParent(w->by), here))
            return false;
    }
    return true;
}

static void copied_texts(struct nw_flow *flow, const struct nw_writes *writes, uint32_t object,
                         const struct nw_write *write, unsigned depth, struct nw_texts *texts)
{
    struct nw_targets strings;

    switch (write->kind) {
    case NW_WRITE_TEXT:
        nw__texts_of(flow, writes, write->source, depth, texts);
        break;
    case NW_WRITE_COPY:
        add_pairs(flow, writes, write->source, write->length, depth, 0, texts);
        break;
    case NW_WRITE_PRINT:
        print(flow, writes, write, depth, texts);
        break;
    case NW_WRITE_RANGE:
        add_ranges(flow, write->source, write->length, texts);
        break;
    case NW_WRITE_REPLACE:
        if (replaces_all(flow, writes, object, write))
            add_pairs(flow, writes, write->source, write->length, depth, 0, texts);
        else
            texts->any = true;
        break;
    case NW_WRITE_STRING:
        strings = nw_flow_targets(flow, write->source, 0);
        texts->any |= strings.n == 0;
        for (size_t i = 0; i < strings.n; i++) {
            struct nw_target bytes = strings.at[i];
            bytes.offset += NW_STRING_BYTES;
            nw__texts_at(flow, writes, bytes, depth, texts);
        }
        break;
    default:
        texts->any = true;
        break;
    }
}

/* A text that is being put together from `start` on. */
struct assembly {
    struct nw_flow *flow;
    const struct nw_writes *writes;
    uint32_t object;
    int64_t start;
    unsigned depth;
    struct nw_texts *texts;
};

/* Whether a write that does not begin at the text, or at a seam of it, may change one of its bytes. A zero ends it
 * earlier, which is one more text. */
static bool is_changed(const struct assembly *a, const struct nw_write *w, const char *text, char *shorter)
{
    int64_t end = a->start + (int64_t)strlen(text), at = w->offset - a->start;
    char bytes[NW_TEXT_ROOM];
    long n;

    if (w->stride)
        return !nw__write_is_end(a->flow, a->writes, a->object, w);
    if (nw__write_is_capacity(w) || w->offset > end || (w->size != INT64_MAX && w->offset + w->size <= a->start) ||
        w->offset == a->start)
        return false;
    if (w->kind == NW_WRITE_ZEROES && w->offset < a->start)
        return false; /* zeros that were there before, or an empty text, which is no name */
    if (w->kind == NW_WRITE_ZEROES || (w->kind == NW_WRITE_STORE && LLVMIsNull(w->source))) {
        if (at >= 0)
            memcpy(shorter, text, (size_t)at), shorter[at] = '\0';
        return false;
    }
    n = w->kind == NW_WRITE_STORE && w->offset > a->start ? nw_constant_bytes(w->source, bytes, sizeof bytes) : -1;
    n = n < 0 && w->kind == NW_WRITE_COPY && w->offset > a->start ? nw__copy_bytes(a->flow, w, bytes, sizeof bytes) : n;
    return n < 0 || strncmp(text + at, bytes, (size_t)n) != 0;
}

static void finish(const struct assembly *a, const char *text)
{
    for (const struct nw_write *w = nw__writes_of(a->writes, a->object); w; w = nw__write_next(a->writes, w)) {
        char shorter[NW_TEXT_ROOM] = "";
        if (is_changed(a, w, text, shorter))
            a->texts->any = true;
        if (*shorter)
            nw__texts_add(a->texts, shorter);
    }
    nw__texts_add(a->texts, text);
}

static void go_on(const struct assembly *a, const char *so_far, size_t length, unsigned seams);

/* Adds bytes to what there is so far; a NUL among them ends it. */
static void extend(const struct assembly *a, const char *so_far, size_t length, const char *bytes, size_t n,
                   unsigned seams)
{
    char text[NW_TEXT_ROOM];

    if (length + n >= sizeof text) {
        a->texts->any = true;
        return;
    }
    memcpy(text, so_far, length);
    memcpy(text + length, bytes, n);
    text[length + n] = '\0';
    if (memchr(bytes, '\0', n))
        finish(a, text);
    else
        go_on(a, text, length + n, seams + 1);
}

static void extend_by_write(const struct assembly *a, const struct nw_write *w, const char *so_far, size_t length,
                            unsigned seams)
{
    char bytes[NW_TEXT_ROOM];
    struct nw_texts whole = {0};
    long n;

    switch (w->kind) {
    case NW_WRITE_ZEROES:
        extend(a, so_far, length, "", 1, seams);
        return;
    case NW_WRITE_STORE:
        n = nw_constant_bytes(w->source, bytes, sizeof bytes);
        if (n > 0)
            extend(a, so_far, length, bytes, (size_t)n, seams);
        else if (!nw__write_is_first_byte(a->flow, a->writes, a->object, w))
            a->texts->any = true;
        return;
    case NW_WRITE_COPY:
        n = nw__copy_bytes(a->flow, w, bytes, sizeof bytes);
        if (n > 0) {
            extend(a, so_far, length, bytes, (size_t)n, seams);
            return;
        }
        break;
    default:
        break;
    }
    copied_texts(a->flow, a->writes, a->object, w, a->depth + 1, &whole);
    a->texts->any |= whole.any;
    for (unsigned i = 0; i < whole.n; i++)
        extend(a, so_far, length, whole.at[i], strlen(whole.at[i]) + 1, seams);
}

/* Whether anything may be written where the text begins: else nobody reads it, as in a std::string whose bytes lie
 * elsewhere. */
static bool is_written(const struct assembly *a)
{
    for (const struct nw_write *w = nw__writes_of(a->writes, a->object); w; w = nw__write_next(a->writes, w))
        if (w->stride ? !nw__write_is_end(a->flow, a->writes, a->object, w)
                      : w->offset <= a->start && (w->size == INT64_MAX || w->offset + w->size > a->start) &&
                            !nw__write_is_capacity(w))
            return true;
    return false;
}

static void go_on(const struct assembly *a, const char *so_far, size_t length, unsigned seams)
{
    bool found = false;

    if (seams > 8) {
        a->texts->any = true;
        return;
    }
    for (const struct nw_write *w = nw__writes_of(a->writes, a->object); w; w = nw__write_next(a->writes, w)) {
        bool ends = nw__write_ends(a->flow, w, (int64_t)length);
        bool covers = w->kind == NW_WRITE_ZEROES && !w->stride && w->offset <= a->start + (int64_t)length &&
                      (w->size == INT64_MAX || w->offset + w->size > a->start + (int64_t)length);
        if (ends)
            extend(a, so_far, length, "", 1, seams);
        found |= ends;
        if ((!covers && (w->stride || w->offset != a->start + (int64_t)length)) || nw__write_is_capacity(w))
            continue;
        found = true;
        extend_by_write(a, w, so_far, length, seams);
    }
    if (!found && (length > 0 || is_written(a)))
        a->texts->any = true;
}

void nw__texts_at(struct nw_flow *flow, const struct nw_writes *writes, struct nw_target place, unsigned depth,
                  struct nw_texts *texts)
{
    struct assembly a = {flow, writes, place.object, place.offset, depth, texts};
    enum nw_object_kind kind = nw_object_kind(flow, place.object);
    LLVMValueRef value = nw_object_value(flow, place.object);
    bool is_global = kind == NW_OBJECT_GLOBAL && LLVMGetInitializer(value), escapes, never_changes;

    if (kind == NW_OBJECT_INTEGER && place.offset == 0)
        return; /* a null pointer is no name */
    escapes = nw_object_escapes(flow, place.object);
    never_changes = is_global && (LLVMIsGlobalConstant(value) || (!nw__writes_of(writes, place.object) && !escapes &&
                                                                  nw_flow_is_private(flow, value)));
    if (never_changes && depth <= NW_TEXTS_DEPTH)
        add_rows(flow, value, place, texts);
    else if ((kind == NW_OBJECT_STACK || kind == NW_OBJECT_HEAP) && !escapes && !place.stride &&
             depth <= NW_TEXTS_DEPTH)
        go_on(&a, "", 0, 0);
    else
        texts->any = true;
}

void nw__texts_of(struct nw_flow *flow, const struct nw_writes *writes, LLVMValueRef pointer, unsigned depth,
                  struct nw_texts *texts)
{
    struct nw_targets targets = nw_flow_targets(flow, pointer, 0);

    if (targets.n == 0)
        texts->any = true;
    for (size_t i = 0; i < targets.n; i++)
        nw__texts_at(flow, writes, targets.at[i], depth, texts);
}
