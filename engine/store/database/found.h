/* What one of the registry's two files is like, before anything is done with it. */
#ifndef NW_ENGINE_STORE_DATABASE_FOUND_H
#define NW_ENGINE_STORE_DATABASE_FOUND_H

#include "common/base/buffer.h"
#include "engine/store/database/registry_file.h"
#include "engine/store/database/wal.h"

struct nw__found {
    const char *name;
    enum { NW__FOUND_NOTHING, NW__FOUND_EMPTY, NW__FOUND_BYTES } is;
    enum { NW__FOUND_UNKNOWN, NW__FOUND_DATABASE, NW__FOUND_OLD_DATABASE, NW__FOUND_OLD_JOURNAL } kind;
    bool whole; /* by itself, as far as the log can be read */
    enum nw__wal log;
    int64_t change;               /* the last that it has */
    struct nw__database database; /* of that kind, also a damaged one */
    struct nw_buffer journal;     /* of that kind */
    char why[256];                /* not whole: why */
};

/* Looks at the file `found->name`; the rest is zeroed before. 0, also when there is none; negative errno with
 * found->why when it is there and cannot be read. `sealed`: a database of an earlier version must have its checksum. */
int nw__found_look(const struct nw__registry_file *file, struct nw__found *found, bool sealed);

void nw__found_fini(struct nw__found *found);

/* The path of a file with this name beside the registry. */
void nw__registry_file_path(const struct nw__registry_file *file, const char *name, char *path, size_t size);

#endif
