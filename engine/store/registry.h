/*
 * What survives the engine: which functions are deployed, and their code. A record per function in DIR/registry (see
 * journal/journal.h), the code in DIR/store/SHA256.so (store.h). Code is on disk before a record names it, so that a
 * kill at any moment leaves a registry whose every function can be served. When it is opened, code is removed that this
 * registry had written and no function has; whatever else lies in the store is kept. Why it is so, and what it costs:
 * docs/decisions/registry.md.
 *
 * store, open_code, forget and apply may run on any thread; none touches anything but the registry.
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
bool nw__registry_is_there(struct nw_registry *registry);

/* Puts code into the store; it is durable once a change that names it was applied. `sha256` gets 64 hex digits and NUL.
 * 0, or negative errno with `why`. */
int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size);

/* A function gets code that is in the store, and a manifest; or, without these, is known no more. */
struct nw_registry_change {
    const char *name;
    const struct nw_manifest *manifest; /* NULL: it is removed */
    const char *sha256;
    int rc; /* of nw_registry_apply: 0, or negative errno with `why`; then it has not happened */
    char *why;
    size_t why_size;
};

/*
 * Carries out changes, durably, in their order. All of them wait for the disk together, twice: for the code and the
 * store's directory, then for the journal.
 */
void nw_registry_apply(struct nw_registry *registry, struct nw_registry_change *const *changes, size_t n);

/* Calls back for every function, in no order, with a manifest that the callback may take over (and then clears). One
 * that cannot be read is said in the log and stays where it is. */
void nw_registry_each(struct nw_registry *registry,
                      void (*row)(void *arg, struct nw_manifest *manifest, const char *sha256), void *arg);

/* A copy of code that cannot change any more, and is what its hash says, as a descriptor; or negative errno with `why`,
 * as nw__store_open_code. */
int nw_registry_open_code(struct nw_registry *registry, const char *sha256, char *why, size_t why_size);

/* Removes code that no function has; after a failure of the disk, when the journal there may name it, the next start
 * does. */
void nw_registry_forget(struct nw_registry *registry, const char *sha256);

#endif
