/*
 * Reads the tables of a snapshot's file. They may have been damaged, be another machine's or be made to harm: what
 * comes out lies within the range and within the file, gives no page rights that its kind may not have, and says of
 * code only which file it is of. Not responsible for opening those files (picture.h).
 */
#ifndef NW_WORKER_SNAPSHOT_READ_H
#define NW_WORKER_SNAPSHOT_READ_H

#include "worker/snapshot/format.h"
#include <stddef.h>
#include <stdint.h>

struct nw_tables {
    struct nw_file_tail tail;
    struct nw_file_part *parts;
    struct nw_file_image *images;
    struct nw_library *libraries;
    void *bytes;   /* in which the last three lie */
    uint64_t size; /* of the file */
};

/* Of a domain whose range begins at `range`, on this machine. 0; or negative errno and why not, for people. */
int nw__tables_read(int fd, uint64_t range, uint64_t machine, struct nw_tables *tables, const char **why);
void nw__tables_free(struct nw_tables *tables);

#endif
