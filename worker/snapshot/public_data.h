/* What files have that many domains read and none writes, such as the constants of libc: as sealed files that are there
 * once for each contents. Only the taker shares and drops them, so to compare and to copy makes nobody wait; any thread
 * may ask for the file of what is shared. */
#ifndef NW_WORKER_SNAPSHOT_PUBLIC_DATA_H
#define NW_WORKER_SNAPSHOT_PUBLIC_DATA_H

#include <stdint.h>

struct nw_public_data;

/* What lies at `start`, byte by byte the same, to be dropped again. 0 or negative errno. */
int nw__public_data_share(uint64_t start, uint64_t size, struct nw_public_data **shared);
void nw__public_data_drop(struct nw_public_data *data);
int nw__public_data_file(const struct nw_public_data *data);

#endif
