/*
 * The shared objects of the store, DIR/store/SHA256.so. Each is written once, and used only if its content has the
 * hash that is its name. A file with other content is renamed to SHA256.so.damaged, never deleted and never used. Not
 * responsible for which code is needed (registry.c).
 *
 * All but open and close may run on several threads at once.
 */
#ifndef NW_ENGINE_STORE_STORE_H
#define NW_ENGINE_STORE_STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define NW__STORE_SHA256_SIZE 65                    /* hex digits and NUL */
#define NW_STORE_CODE_MAX     (256ul * 1024 * 1024) /* bytes of one shared object */

struct nw__store {
    int directory;           /* -1: not open */
    unsigned long long born; /* in the names of files that are being written, so that those of others are told apart */
    unsigned last_temporary;
    pthread_mutex_t aside; /* held while a file is set aside */
};

/* Opens or makes DIR/store. 0, or -EIO with `why`. */
int nw__store_open(struct nw__store *store, const char *directory, char *why, size_t why_size);
void nw__store_close(struct nw__store *store);

/* The SHA-256 that names code, as hex digits. */
void nw__store_name(const void *code, size_t length, char sha256[NW__STORE_SHA256_SIZE]);

/* Whether code is there; a file of its name that holds something else is set aside. */
bool nw__store_has(struct nw__store *store, const char *sha256);

/* Whether there is a file of that name, whatever it holds. */
bool nw__store_is_named(const struct nw__store *store, const char *sha256);

/* Writes code. It is durable only after nw__store_sync_*. 0, or negative errno with `why`. */
int nw__store_put(struct nw__store *store, const void *code, size_t length, const char *sha256, char *why,
                  size_t why_size);

/* Make code durable: call begin, then sync_file for each file, then end. The directory is synced meanwhile, on a thread
 * of its own. 0, or negative errno with `why`; when the end fails none of the files counts as durable. */
struct nw__store_sync {
    pthread_t thread;
    bool threaded;
    int directory, rc;
};

void nw__store_sync_begin(const struct nw__store *store, struct nw__store_sync *sync);
int nw__store_sync_file(const struct nw__store *store, const char *sha256, char *why, size_t why_size);
int nw__store_sync_end(struct nw__store_sync *sync, char *why, size_t why_size);

/*
 * Returns a descriptor, close-on-exec, of a sealed copy of code in memory: what happens to the file later does not
 * change it. Negative errno with `why` for people when the file is missing (-ENOENT), does not have the hash that is
 * its name (-EBADMSG; it is set aside) or cannot be read.
 */
int nw__store_open_code(struct nw__store *store, const char *sha256, char *why, size_t why_size);

void nw__store_remove(struct nw__store *store, const char *sha256);

/* Calls back with the SHA-256 of each file whose name is that of code, until the callback returns false. Removes what
 * others have left of files that they were writing. */
void nw__store_each(struct nw__store *store, bool (*callback)(void *arg, const char *sha256), void *arg);

/* Whether DIR/store is still the directory that was opened. */
bool nw__store_is_there(const struct nw__store *store, const char *directory);

#endif
