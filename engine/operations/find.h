/* Finds a version of a function among those that the registry keeps, on another thread. */
#ifndef NW_ENGINE_OPERATIONS_FIND_H
#define NW_ENGINE_OPERATIONS_FIND_H

#include "common/manifest/manifest.h"
#include "engine/store/release.h"
#include <stdint.h>

struct nw_io;
struct nw_registry;

struct nw__find {
    uint32_t number; /* also that of the one that serves; 0: the newest before that */
    uint32_t serves;
    void (*done)(struct nw__find *find);
    struct nw_registry *registry;
    const char *name;
    int rc;                      /* 0; -ENOENT; -ENOMEM */
    struct nw_manifest manifest; /* the owner's to free; all zero before */
    char sha256[65];
    struct nw_release release;
};

/* Begins with `number`, `serves` and `done`, which is called on the loop; the name stays until then. 0, or negative
 * errno: no thread can be had. */
int nw__find_begin(struct nw_io *io, struct nw_registry *registry, const char *name, struct nw__find *find);

#endif
