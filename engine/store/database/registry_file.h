/*
 * The registry as files: DIR/registry, a database, and DIR/registry.backup, which gets the same changes a moment later.
 * When a start finds the first missing, empty or damaged, it sets aside what it found, makes another one of what is
 * whole in both, and says so in `notice`. Not responsible for what is in it (registry.c).
 *
 * One thread at a time may use it, but any thread may look whether it is there.
 */
#ifndef NW_ENGINE_STORE_DATABASE_REGISTRY_FILE_H
#define NW_ENGINE_STORE_DATABASE_REGISTRY_FILE_H

#include "engine/store/database/database.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NW__REGISTRY_NAME "registry"
#define NW__REGISTRY_COPY "registry.backup"

struct nw__registry_file {
    struct nw__database main, copy; /* the copy may not be open: then it is made anew */
    int directory;                  /* -1: not open */
    char path[4096];
    dev_t device; /* of the file in use */
    ino_t inode;
    off_t size, log_size; /* of the database and its log after our last change: others were changed by somebody else */
    unsigned copy_failures, copy_left_out; /* of making a copy, in a row; changes that do not try it */
    bool broken;                           /* a wait for the disk has failed */
    bool may_lack;    /* when it was opened it was not whole: functions may be missing, whose code must stay */
    char notice[768]; /* what was wrong when it was opened, for people; empty: nothing */
};

/* `has_code`: the store is not empty, so that an empty registry needs an explanation. 0, or -EIO with `why`. */
int nw_registry_file_open(struct nw__registry_file *file, const char *directory, bool has_code, char *why,
                          size_t why_size);
void nw_registry_file_close(struct nw__registry_file *file);

/* Makes a change; `make` calls what may stand in one (database.h). 0, or -EIO with `why` and nothing changed, except
 * that after a failure of the machine the disk may have a change that could not be waited for. */
typedef int nw__registry_change(struct nw__database *database, void *arg);
int nw_registry_file_change(struct nw__registry_file *file, enum nw__database_durable durable,
                            nw__registry_change *make, void *arg, char *why, size_t why_size);

/* Makes the same change in the copy. A failure is only logged, since the registry itself is durable. */
void nw_registry_file_copy(struct nw__registry_file *file, nw__registry_change *make, void *arg);

/* Whether the file is still there, under the same path. */
bool nw_registry_file_is_there(const struct nw__registry_file *file);

#endif
