/* See frame.h. */
#include "worker/policy/frame.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/image/where.h"

#define DEPTH      2048 /* words of the stack that are looked at */
#define STEP       64   /* ... at a time */
#define CALL_BYTES 7    /* the longest call without a prefix */

/* Whether the instruction before the address can be a call: what lies on a stack may be anything. */
static bool follows_call(struct nw_domain *domain, uint64_t address)
{
    uint64_t from = address - CALL_BYTES;
    uint8_t code[CALL_BYTES];

    if (!nw_domain_confine(domain, &from, CALL_BYTES) || nw_gate_copy(code, (const void *)from, CALL_BYTES) < 0)
        return false;
    if (code[CALL_BYTES - 5] == 0xe8)
        return true;
    for (int length = 2; length <= CALL_BYTES; length++)
        if (code[CALL_BYTES - length] == 0xff && (code[CALL_BYTES - length + 1] >> 3 & 7) == 2)
            return true;
    return false;
}

struct search {
    struct nw_where_files files;
    uint64_t library; /* the innermost frame in a library so far, or 0 */
};

/* The function's own frame among these words, or 0. */
static uint64_t search_words(struct nw_domain *domain, struct search *s, const uint64_t words[STEP])
{
    for (size_t i = 0; i < STEP; i++) {
        enum nw_where_kind kind = nw_where_kind(&s->files, words[i]);

        if (kind < NW_WHERE_LIBRARY || (kind == NW_WHERE_LIBRARY && s->library) || !follows_call(domain, words[i]))
            continue;
        if (kind == NW_WHERE_OWN)
            return words[i];
        s->library = words[i];
    }
    return 0;
}

uint64_t nw__frame_find(struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;
    uint64_t rip = slot->gate.regs.rip, found = 0, words[STEP];
    uint64_t at = slot->gate.kind == NW_CTX_KIND_FULL ? slot->gate.regs.rsp : slot->gate.rsp;
    struct search s = {.library = 0};

    nw_code_files(&domain->memory, &s.files);
    if (nw_where_kind(&s.files, rip) == NW_WHERE_OWN)
        return rip;
    for (size_t done = 0; done < DEPTH && !found; done += STEP, at += sizeof(words)) {
        uint64_t from = at;

        if (!nw_domain_confine(domain, &from, sizeof(words)) ||
            nw_gate_copy(words, (const void *)from, sizeof(words)) < 0)
            break;
        found = search_words(domain, &s, words);
    }
    return found ? found : s.library ? s.library : rip;
}
