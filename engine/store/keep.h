/*
 * Versions of a function that do not serve, in rows of the registry beside the row of the one that does: NAME@v3 is as
 * the row of NAME was while v3 served. So they are sealed, copied and put together again as all rows are, and their
 * code stays in the store. All but the last is called within a change of the database.
 */
#ifndef NW_ENGINE_STORE_KEEP_H
#define NW_ENGINE_STORE_KEEP_H

#include "common/base/buffer.h"
#include "engine/store/database/database.h"
#include "engine/store/release.h"

/* What a row says behind its manifest, and the manifest alone, terminated. `*routes` is in the row, or NULL. */
void nw__keep_split(const struct nw__database_row *row, struct nw_buffer *manifest, struct nw_release *release,
                    const char **routes);

/*
 * A version serves. The one that did so far is kept, of all as many as `keep` says, the newest ones, the serving one
 * included, and those that `routes` names (NULL: none); 0: it is replaced, as if it was the same. `beside`, unless it
 * is NULL, is another version to be kept, under that name. `dropped`, unless it is NULL, gets the hash of the code of
 * each that is not kept any more, terminated.
 */
struct nw__keep {
    unsigned keep;
    const char *routes;
    const struct nw__database_row *beside;
    struct nw_buffer *dropped;
};

int nw__keep_put(struct nw__database *database, const struct nw__database_row *row, uint32_t number,
                 const struct nw__keep *keep);

/* All versions of the name go. */
int nw__keep_remove(struct nw__database *database, const char *name, struct nw_buffer *dropped);

/* Calls back for the row that serves and for all that are kept. */
int nw__keep_each(struct nw__database *database, const char *name,
                  void (*row)(void *arg, const struct nw__database_row *row), void *arg);

#endif
