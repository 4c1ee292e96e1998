/* Which texts may lie at a place in memory: those of the module's constants, and those that code puts together of them.
 */
#ifndef NW_DEPLOY_CALLSCAN_FIND_TEXTS_H
#define NW_DEPLOY_CALLSCAN_FIND_TEXTS_H

#include "deploy/callscan/flow/flow.h"

#define NW_TEXT_ROOM   128 /* a text with its NUL; longer ones are no names */
#define NW_TEXTS_ROOM  64
#define NW_TEXTS_DEPTH 6 /* copies of copies */

struct nw_texts {
    char at[NW_TEXTS_ROOM][NW_TEXT_ROOM];
    unsigned n;
    bool any; /* and others */
};

/* Nothing twice. What is too long, or too much, is one of the others. */
void nw__texts_add(struct nw_texts *texts, const char *text);

struct nw_writes;

/* Adds the texts that may lie at a place. */
void nw__texts_at(struct nw_flow *flow, const struct nw_writes *writes, struct nw_target place, unsigned depth,
                  struct nw_texts *texts);

/* Those that a pointer may lead to. */
void nw__texts_of(struct nw_flow *flow, const struct nw_writes *writes, LLVMValueRef pointer, unsigned depth,
                  struct nw_texts *texts);

#endif
