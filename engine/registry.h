/*
 * What survives the engine: which functions are deployed, and their code. A row per function in DIR/registry (sqlite),
 * the code in DIR/store/SHA256.so. Code is on disk before a row names it, so that a kill at any moment leaves a
 * registry whose every row can be served; code that no row names is removed when the registry is opened.
 *
 * store, put and delete may run on another thread; each touches nothing but the registry.
 */
#ifndef NW_ENGINE_REGISTRY_H
#define NW_ENGINE_REGISTRY_H

#include "common/manifest.h"
#include <stddef.h>

struct nw_registry;

/* Opens or makes the registry in `directory`. NULL with a message for people in `why`. */
struct nw_registry *nw_registry_open(const char *directory, char *why, size_t why_size);
void nw_registry_close(struct nw_registry *registry);

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

/* A descriptor to read code from, close-on-exec, or negative errno. */
int nw_registry_open_code(struct nw_registry *registry, const char *sha256);

/* Removes code that no row names. */
void nw_registry_forget(struct nw_registry *registry, const char *sha256);

#endif
