/* Data from files that many domains read and none writes, such as the constants of libc: kept in sealed files, one for
 * each contents, however many snapshots have it. Only the taker's thread shares and drops them, so no lock is needed;
 * any thread may ask for the file while it is shared. */
#ifndef NW_WORKER_SNAPSHOT_PUBLIC_DATA_H
#define NW_WORKER_SNAPSHOT_PUBLIC_DATA_H

#include <stdint.h>

struct nw_public_data;

/* A file with the same bytes as the memory at `start` now, to be dropped again. 0 or negative errno. */
int nw__public_data_share(uint64_t start, uint64_t size, struct nw_public_data **shared);
void nw__public_data_drop(struct nw_public_data *data);
int nw__public_data_file(const struct nw_public_data *data);

#endif
