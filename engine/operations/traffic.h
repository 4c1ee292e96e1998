/*
 * Which versions of a function get the requests for its name and for its aliases, as text that the registry keeps:
 * "=v1:90,v2:10 prod=v1:100". Without a route the requests for the name go to the version that serves. Not responsible
 * for carrying it out (branches.h).
 */
#ifndef NW_ENGINE_OPERATIONS_TRAFFIC_H
#define NW_ENGINE_OPERATIONS_TRAFFIC_H

#include "common/base/buffer.h"
#include "engine/route/route.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_ALIAS_MAX    31
#define NW_ALIASES_MOST 16

struct nw_traffic_share {
    uint32_t version;
    unsigned percent;
};

struct nw_traffic_route {
    char alias[NW_ALIAS_MAX + 1]; /* empty: the name itself */
    unsigned n;
    struct nw_traffic_share shares[NW_ROUTE_SHARES];
};

struct nw_traffic {
    unsigned n;
    struct nw_traffic_route routes[NW_ALIASES_MOST + 1];
};

/* An alias is 1 to 31 characters as names have them, and no version, like v3. */
bool nw_alias_is_good(const char *alias, size_t length);

/* Adds a share. False: the version has one already, there are too many, or all together have more than 100. */
bool nw_traffic_add(struct nw_traffic_route *route, uint32_t version, unsigned percent);

/* How much is not given to a version yet. */
unsigned nw_traffic_left(const struct nw_traffic_route *route);

/* NULL: there is none. */
const struct nw_traffic_route *nw_traffic_find(const struct nw_traffic *traffic, const char *alias);

/* Puts a route in place of the one of its alias; one without shares removes it. 0, or -ENOSPC: too many aliases. */
int nw__traffic_set(struct nw_traffic *traffic, const struct nw_traffic_route *route);

/* Reads what nw__traffic_print writes, or NULL: no routes. 0, or -EINVAL with none. */
int nw_traffic_parse(struct nw_traffic *traffic, const char *text);

/* Appends the text, terminated. 0 or -ENOMEM. */
int nw__traffic_print(const struct nw_traffic *traffic, struct nw_buffer *text);

#endif
