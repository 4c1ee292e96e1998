/* Addresses and directories that a function may use, from the lists of its manifest. */
#ifndef NW_WORKER_REACH_GRANTS_H
#define NW_WORKER_REACH_GRANTS_H

#include "common/manifest/manifest.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_deployed;

/* The fds are taken over, also when it fails. */
int nw_grants_init(struct nw_deployed *function, const char *connect, const char *directories, const int *fds,
                   int n_fds);
void nw_grants_fini(struct nw_deployed *function);

/* Replaces all of them. */
int nw_grants_reach(struct nw_deployed *function, const struct nw_address_grant *addresses, size_t n);
bool nw_grants_reached(struct nw_deployed *function, const uint8_t address[16], uint16_t port);

#endif
