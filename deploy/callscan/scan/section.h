/* The call sites that are in an object file already. */
#ifndef NW_DEPLOY_CALLSCAN_SCAN_SECTION_H
#define NW_DEPLOY_CALLSCAN_SCAN_SECTION_H

#include "common/base/buffer.h"
#include "common/sites/sites.h"

/* 1 when there are some, 0 when the file has no such section, or a negative errno with the reason in `why`. */
int nw__section_read(const struct nw_buffer *file, struct nw_sites *sites, char *why, size_t why_size);

#endif
