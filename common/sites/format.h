/*
 * A record of call sites in bytes (docs/callscan.md): a header, the sites, the names as places in the text, the text.
 * Numbers are little endian, as on the machines that functions are for. A reader takes only the version it knows.
 */
#ifndef NW_COMMON_SITES_FORMAT_H
#define NW_COMMON_SITES_FORMAT_H

#include <stdint.h>

#define NW__SITES_MAGIC    "NWCALLS" /* with its NUL */
#define NW__SITES_VERSION  1u
#define NW__SITES_WHOLE    1u
#define NW__SITES_COMPLETE 2u

struct nw__sites_header {
    char magic[8];
    uint32_t version;
    uint32_t size; /* of the whole record, a multiple of 8 */
    uint32_t flags;
    uint32_t n_sites;
    uint32_t n_names; /* of all sites; each a uint32_t, a place in the text */
    uint32_t text_size;
};

struct nw__sites_site {
    uint32_t file, function; /* places in the text */
    uint32_t line, column;
    uint32_t kind, any_name;
    uint32_t first_name, n_names;
    uint32_t input, length, output, zero;
    uint64_t length_max;
};

_Static_assert(sizeof(struct nw__sites_header) == 32 && sizeof(struct nw__sites_site) == 56, "no padding");

#endif
