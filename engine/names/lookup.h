/* Asks the host's resolver. Blocks, so only threads that may wait use it. */
#ifndef NW_ENGINE_NAMES_LOOKUP_H
#define NW_ENGINE_NAMES_LOOKUP_H

#include "common/manifest/grant.h"

/* The addresses of a name, with this port: how many, at most `most`; -1 and why. */
int nw__lookup_name(const struct nw_name_grant *name, struct nw_address_grant *to, unsigned most, const char **why);

/* The name servers of this host. How many. */
unsigned nw__lookup_servers(struct nw_address_grant *to, unsigned most);

#endif
