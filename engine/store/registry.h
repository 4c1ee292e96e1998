/*
 * What survives the engine: which functions are deployed, and their code. A row per function in DIR/registry (sqlite,
 * see registry_file.h), the code in DIR/store/SHA256.so (store.h). Code is on disk before a row names it, so that a
 * kill at any moment leaves a registry whose every row can be served. When it is opened, code is removed that this
 * registry had written and no row names; whatever else lies in the store is kept.
 *
 * store, open_code, put and delete may run on another thread; each touches nothing but the registry.
 */
#ifndef NW_ENGINE_STORE_REGISTRY_H
#define NW_ENGINE_STORE_REGISTRY_H

#include "common/manifest/manifest.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_registry;

/* Opens or makes the registry in `directory`. NULL with a message for people in `why`. */
struct nw_registry *nw_registry_open(const char *directory, char *why, size_t why_size);
void nw_registry_close(struct nw_registry *registry);

/* What people should know of the registry, and of the store, as they were found when opened; NULL for nothing. */
const char *nw_registry_notice(const struct nw_registry *registry);
const char *nw_registry_store_notice(const struct nw_registry *registry);

/* Whether registry and store are still in the directory. */
bool nw__registry_is_there(const struct nw_registry *registry);

/* Puts code into the store, durably. `sha256` gets 64 hex digits and NUL. 0, or negative errno with `why`. */
int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size);

/* Names code for a function, or makes the function unknown, durably. 0, or -EIO with `why`. */
int nw_registry_put(struct nw_registry *registry, const struct nw_manifest *manifest, const char *sha256, char *why,
                    size_t why_size);
int nw_registry_delete(struct nw_registry *registry, const char *name, char *why, size_t why_size);

/* Calls back for every row, with a manifest that the callback may take over (and then clears). 0, or -EIO. */
int nw_registry_each(struct nw_registry *registry,
                     void (*row)(void *arg, struct nw_manifest *manifest, const char *sha256), void *arg, char *why,
                     size_t why_size);

/* A copy of code that cannot change any more, and is what its hash says, as a descriptor; or negative errno with `why`,
 * as nw__store_open_code. */
int nw_registry_open_code(struct nw_registry *registry, const char *sha256, char *why, size_t why_size);

/* Removes code that no row names. */
void nw_registry_forget(struct nw_registry *registry, const char *sha256);

#endif
