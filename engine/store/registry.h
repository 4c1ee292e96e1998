/*
 * What survives the engine: which functions are deployed, and their code. A row per function in DIR/registry (see
 * database/registry_file.h), the code in DIR/store/SHA256.so (store.h). Code is on disk before a row names it, so that
 * a kill at any moment leaves a registry whose every function can be served. When it is opened, code that this registry
 * had written and that no function has is removed; whatever else lies in the store is kept. Why it is so, and what it
 * costs: docs/decisions/registry.md.
 *
 * store, open_code, forget, apply and versions may run on any thread; none touches anything but the registry.
 */
#ifndef NW_ENGINE_STORE_REGISTRY_H
#define NW_ENGINE_STORE_REGISTRY_H

#include "common/manifest/manifest.h"
#include "engine/store/release.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_registry;

/* Opens or makes the registry in `directory`. NULL with a message for people in `why`. */
struct nw_registry *nw_registry_open(const char *directory, char *why, size_t why_size);
void nw_registry_close(struct nw_registry *registry);

/* What people should know of how the registry was found when it was opened, and of the store once that was looked
 * through; NULL: nothing. */
const char *nw_registry_notice(const struct nw_registry *registry);
const char *nw_registry_store_notice(const struct nw_registry *registry);

/* Looks through the store, which takes long when there is much in it: removes what is left of files that were being
 * written, and returns how many files belong to no function. On any thread; what it returns is then noted on the main
 * thread. */
unsigned nw_registry_look_through(struct nw_registry *registry);
void nw_registry_note_unlisted(struct nw_registry *registry, unsigned n);

/* Whether registry and store are still in the directory. */
bool nw__registry_is_there(struct nw_registry *registry);

/* Puts code into the store; it is durable once a change that names it was applied. `sha256` gets 64 hex digits and NUL.
 * 0, or negative errno with `why`. */
int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size);

/* The hash that tells a version with these settings and this code. 0 or -ENOMEM. */
int nw_registry_hash(const struct nw_manifest *manifest, const char *sha256, char hash[NW_RELEASE_HASH + 1]);

/* A version of a function. */
struct nw_registry_row {
    const struct nw_manifest *manifest;
    const char *sha256;
    const struct nw_release *release;
    bool serves;
    const char *routes; /* of one that serves: who gets the requests of its name; NULL: it does */
};

/* A function gets a manifest and code that is in the store; or it is removed. */
struct nw_registry_change {
    const char *name;
    const struct nw_manifest *manifest; /* NULL: it is removed */
    const char *sha256;
    int rc; /* result of nw_registry_apply: 0, or negative errno with `why`, and nothing changed */
    char *why;
    size_t why_size;
    const struct nw_release *release; /* NULL: none is written, and no version is kept beside it */
    const char *routes;               /* who gets its requests, as text; NULL or empty: this version all */
    unsigned keep;                    /* versions of the name that are kept, this one and those in `routes` included */
    const struct nw_registry_row *beside; /* NULL, or another version that is to be kept */
    struct nw_buffer dropped; /* of the code of each that is kept no more the hash, terminated; the caller's to free */
};

/*
 * Carries out changes, durably, in their order. They share two waits for the disk: for the code and the store's
 * directory, then for the registry. Now and then there are more, as when SQLite takes its log over into the database.
 */
void nw_registry_apply(struct nw_registry *registry, struct nw_registry_change *const *changes, size_t n);

/* Calls back for every function, in the order of names. A function whose row cannot be read is named in the log, and
 * its row stays. */
void nw_registry_each(struct nw_registry *registry, void (*row)(void *arg, const struct nw_registry_row *row),
                      void *arg);

/* The same for the version of a function that serves and for those that are kept. On any thread; the callback must not
 * use the registry. */
void nw_registry_versions(struct nw_registry *registry, const char *name,
                          void (*row)(void *arg, const struct nw_registry_row *row), void *arg);

/* Returns a descriptor of a sealed copy of code that has this hash; or negative errno with `why`. As
 * nw__store_open_code. */
int nw_registry_open_code(struct nw_registry *registry, const char *sha256, char *why, size_t why_size);

/* Removes code from the store unless a function has it. After a failed write the registry on disk may still name the
 * code: then it stays, and the next start removes it. */
void nw_registry_forget(struct nw_registry *registry, const char *sha256);

#endif
