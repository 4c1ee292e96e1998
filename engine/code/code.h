/*
 * The code of a version, and its snapshot if there is one: read from the store, checked and copied on another thread
 * when it is first needed, and kept as long as a worker has the version, so that its workers can be started again
 * whatever becomes of the store. Not responsible for loading it into workers (versions/loads.c).
 */
#ifndef NW_ENGINE_CODE_CODE_H
#define NW_ENGINE_CODE_CODE_H

#include "engine/store/snapshots.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_code;
struct nw_engine;
struct nw_registry;

struct nw_code_events {
    /* It was read, or cannot be used: `why`, else NULL. Nothing uses it on another thread any more. */
    void (*read)(struct nw_code *code, const char *why);

    /* Under which name a snapshot of it is kept. False: none is. */
    bool (*snapshot)(struct nw_code *code, char name[NW_SNAPSHOT_NAME]);

    /* A snapshot was kept, or could not be. Nothing uses the code on another thread any more. */
    void (*kept)(struct nw_code *code);
};

struct nw_code {
    struct nw_engine *engine;
    struct nw_registry *registry;
    const struct nw_code_events *events;
    const char *sha256;             /* of the file in the store; the owner's */
    int fd;                         /* a copy that cannot change any more; -1: not read yet */
    bool reading;                   /* on another thread, which uses all of this */
    struct nw_snapshots *snapshots; /* NULL: none are kept */
    int snapshot;                   /* the file of one, sealed; -1: there is none */
    uint64_t range;                 /* where its domain was */
    bool keeping;                   /* another thread writes one */
};

void nw_code_init(struct nw_code *code, struct nw_engine *engine, struct nw_registry *registry,
                  struct nw_snapshots *snapshots, const char *sha256, const struct nw_code_events *events);

/* Not while it is being read or kept. */
void nw_code_fini(struct nw_code *code);

/* No worker has it any more: it is read again when one is to. Not while it is being read. */
void nw_code_forget(struct nw_code *code);

/* A worker has sent a snapshot of it, a sealed file: it is had from now on, and kept on another thread; unless there is
 * one, or one is still being kept. The file stays the caller's. */
void nw_code_keep(struct nw_code *code, int file, uint64_t range);

/* The snapshot is of no use: it is removed. */
void nw_code_discard(struct nw_code *code);

/* Whether it can be loaded; if it was not read yet, begins to. */
bool nw_code_ready(struct nw_code *code);

#endif
