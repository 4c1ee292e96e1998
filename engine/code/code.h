/*
 * The code of a version: read from the store, checked and copied on another thread when it is first needed, and kept as
 * long as a worker has the version, so that its workers can be started again whatever becomes of the store. Not
 * responsible for loading it into workers (versions/loads.c).
 */
#ifndef NW_ENGINE_CODE_CODE_H
#define NW_ENGINE_CODE_CODE_H

#include <stdbool.h>

struct nw_code;
struct nw_engine;
struct nw_registry;

struct nw_code_events {
    /* It was read, or cannot be used: `why`, else NULL. Nothing uses it on another thread any more. */
    void (*read)(struct nw_code *code, const char *why);
};

struct nw_code {
    struct nw_engine *engine;
    struct nw_registry *registry;
    const struct nw_code_events *events;
    const char *sha256; /* of the file in the store; the owner's */
    int fd;             /* a copy that cannot change any more; -1: not read yet */
    bool reading;       /* on another thread, which uses all of this */
};

void nw_code_init(struct nw_code *code, struct nw_engine *engine, struct nw_registry *registry, const char *sha256,
                  const struct nw_code_events *events);

/* Not while it is being read. */
void nw_code_fini(struct nw_code *code);

/* No worker has it any more: it is read again when one is to. Not while it is being read. */
void nw_code_forget(struct nw_code *code);

/* Whether it can be loaded; if it was not read yet, begins to. */
bool nw_code_ready(struct nw_code *code);

#endif
