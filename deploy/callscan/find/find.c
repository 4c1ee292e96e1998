/* See find.h. What lies at one place of the source is one site, however often the optimiser has put it somewhere. */
#include "deploy/callscan/find/find.h"
#include "common/manifest/manifest.h"
#include "deploy/callscan/find/texts.h"
#include "deploy/callscan/find/values.h"
#include "deploy/callscan/find/writes.h"
#include "deploy/callscan/ir/place.h"
#include "deploy/callscan/known/string.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One site and the memory of its texts. */
struct item {
    struct nw_site site;
    struct nw_place place;
    char names[NW_SITE_NAMES_MAX][NW_NAME_MAX + 1];
};

struct nw_found {
    struct nw_flow *flow;
    struct nw_writes writes;
    struct nw_table fates;
    struct item **items;
    size_t n, room;
    struct nw_sites sites;
};

static bool is_same(const struct item *item, const struct nw_place *place, bool leaves)
{
    return *place->file && item->place.line == place->line && item->place.column == place->column &&
           (item->site.kind == NW_SITE_LEAVES) == leaves && strcmp(item->place.file, place->file) == 0;
}

static struct item *item_at(struct nw_found *found, LLVMValueRef instruction, enum nw_site_kind kind)
{
    struct nw_place place;
    struct item *item;

    nw_place_of(instruction, &place);
    for (size_t i = 0; i < found->n; i++)
        if (is_same(found->items[i], &place, kind == NW_SITE_LEAVES)) {
            if (found->items[i]->site.kind > kind)
                found->items[i]->site.kind = kind;
            return found->items[i];
        }
    item = calloc(1, sizeof *item);
    if (!item)
        abort();
    found->items = nw_grow(found->items, found->n, &found->room, sizeof *found->items);
    found->items[found->n++] = item;
    item->place = place;
    item->site.kind = kind;
    return item;
}

/* What is no name of a function is called by nobody; of NAME@ALIAS it is NAME that is called. */
static void add_name(struct item *item, const char *text)
{
    char name[NW_NAME_MAX + 1];

    if (nw_manifest_check_callee(text, strlen(text)) < 0)
        return;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "@"), text);
    for (uint32_t i = 0; i < item->site.n_names; i++)
        if (strcmp(item->names[i], name) == 0)
            return;
    if (item->site.n_names == NW_SITE_NAMES_MAX)
        item->site.any_name = true;
    else
        strcpy(item->names[item->site.n_names++], name);
}

static void add_call(struct nw_found *found, LLVMValueRef call, enum nw_site_kind kind)
{
    struct item *item = item_at(found, call, kind);
    struct nw_texts *texts = calloc(1, sizeof *texts);
    uint32_t fate = nw_table_get(&found->fates, (uintptr_t)call, 0);

    if (!texts)
        abort();
    nw__texts_of(found->flow, &found->writes, LLVMGetOperand(call, 1), 0, texts);
    for (unsigned i = 0; i < texts->n; i++)
        add_name(item, texts->at[i]);
    item->site.any_name |= texts->any;
    item->site.input |= nw__input_from(found->flow, LLVMGetOperand(call, 2));
    item->site.length |= nw__length_from(found->flow, LLVMGetOperand(call, 3), &item->site.length_max);
    item->site.output |= fate == UINT32_MAX ? 0 : fate;
    free(texts);
}

static void look_through(struct nw_found *found, LLVMValueRef function)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i)) {
            enum nw_callee callee =
                LLVMIsACallInst(i) || LLVMIsAInvokeInst(i) ? nw__callee_of(found->flow, i) : NW_CALLEE_OTHER;
            if (callee != NW_CALLEE_OTHER)
                add_call(found, i, callee == NW_CALLEE_CALLBACK ? NW_SITE_CALL : NW_SITE_MAYBE);
        }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int compare(const void *a, const void *b)
{
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    int files = strcmp(x->place.file, y->place.file);

    if (files)
        return files;
    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return strcmp(x->place.function, y->place.function);
}

/* The list, in the order of the source. */
static void put_together(struct nw_found *found)
{
    size_t names = 0;

    qsort(found->items, found->n, sizeof *found->items, compare);
    found->sites.sites = calloc(found->n + 1, sizeof *found->sites.sites);
    found->sites.name_memory = calloc(found->n * NW_SITE_NAMES_MAX + 1, sizeof *found->sites.name_memory);
    if (!found->sites.sites || !found->sites.name_memory)
        abort();
    for (size_t i = 0; i < found->n; i++) {
        struct item *item = found->items[i];
        struct nw_site *site = &found->sites.sites[found->sites.n_sites++];

        qsort(item->names, item->site.n_names, sizeof *item->names, compare_names);
        *site = item->site;
        site->any_name |= site->n_names == 0 || site->kind == NW_SITE_LEAVES;
        site->file = item->place.file;
        site->function = item->place.function;
        site->line = item->place.line;
        site->column = item->place.column;
        site->names = found->sites.name_memory + names;
        for (uint32_t k = 0; k < site->n_names; k++)
            found->sites.name_memory[names++] = item->names[k];
    }
}

bool nw_find_keeps(LLVMValueRef function)
{
    return nw_string_method(function) != NW_STRING_NONE;
}

struct nw_found *nw_find(LLVMModuleRef module)
{
    struct nw_found *found = calloc(1, sizeof *found);

    if (!found)
        abort();
    found->flow = nw_flow_new(module);
    nw__writes_init(&found->writes, found->flow);
    nw__fates_init(&found->fates, found->flow);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        if (nw_flow_reaches(found->flow, f))
            look_through(found, f);
    for (size_t i = 0; i < nw_flow_n_leaves(found->flow); i++)
        item_at(found, nw_flow_leave(found->flow, i), NW_SITE_LEAVES);
    put_together(found);
    found->sites.whole = nw_flow_is_whole(found->flow);
    found->sites.complete = nw_flow_is_complete(found->flow);
    return found;
}

const struct nw_sites *nw_found_sites(const struct nw_found *found)
{
    return &found->sites;
}

void nw_found_free(struct nw_found *found)
{
    for (size_t i = 0; i < found->n; i++)
        free(found->items[i]);
    free(found->items);
    nw__writes_fini(&found->writes);
    nw_table_fini(&found->fates);
    nw_flow_free(found->flow);
    free(found->sites.sites);
    free(found->sites.name_memory);
    free(found);
}
