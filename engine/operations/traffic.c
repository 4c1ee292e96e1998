/* See traffic.h. */
#include "engine/operations/traffic.h"
#include "engine/store/release.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MOST 8192

bool nw_alias_is_good(const char *alias, size_t length)
{
    char text[NW_ALIAS_MAX + 1];
    if (length > NW_ALIAS_MAX || nw_manifest_check_name(alias, length) < 0)
        return false;
    memcpy(text, alias, length);
    text[length] = '\0';
    return !nw_release_number(text);
}

unsigned nw_traffic_left(const struct nw_traffic_route *route)
{
    unsigned left = NW_ROUTE_TURNS;
    for (unsigned i = 0; i < route->n; i++)
        left -= route->shares[i].percent;
    return left;
}

bool nw_traffic_add(struct nw_traffic_route *route, uint32_t version, unsigned percent)
{
    for (unsigned i = 0; i < route->n; i++)
        if (route->shares[i].version == version)
            return false;
    if (route->n == NW_ROUTE_SHARES || !percent || percent > nw_traffic_left(route))
        return false;
    route->shares[route->n++] = (struct nw_traffic_share){version, percent};
    return true;
}

const struct nw_traffic_route *nw_traffic_find(const struct nw_traffic *traffic, const char *alias)
{
    for (unsigned i = 0; i < traffic->n; i++)
        if (!strcmp(traffic->routes[i].alias, alias))
            return &traffic->routes[i];
    return NULL;
}

int nw__traffic_set(struct nw_traffic *traffic, const struct nw_traffic_route *route)
{
    const struct nw_traffic_route *found = nw_traffic_find(traffic, route->alias);
    unsigned i = found ? (unsigned)(found - traffic->routes) : traffic->n;
    if (!route->n) {
        if (found)
            traffic->routes[i] = traffic->routes[--traffic->n];
        return 0;
    }
    if (i == NW_ALIASES_MOST + 1)
        return -ENOSPC;
    traffic->routes[i] = *route;
    traffic->n += !found;
    return 0;
}

/* "v3:90" */
static bool parse_share(struct nw_traffic_route *route, char *text)
{
    char *colon = strchr(text, ':'), *end;
    if (!colon || colon[1] < '1' || colon[1] > '9')
        return false;
    *colon = '\0';
    uint32_t version = nw_release_number(text);
    unsigned long percent = strtoul(colon + 1, &end, 10);
    return version && !*end && percent <= NW_ROUTE_TURNS && nw_traffic_add(route, version, (unsigned)percent);
}

/* "prod=v3:90,v4:10" */
static bool parse_route(struct nw_traffic *traffic, char *text)
{
    struct nw_traffic_route route = {.n = 0};
    char *equals = strchr(text, '='), *rest;
    if (!equals)
        return false;
    *equals = '\0';
    if (*text && !nw_alias_is_good(text, strlen(text)))
        return false;
    snprintf(route.alias, sizeof route.alias, "%s", text);
    for (char *share = strtok_r(equals + 1, ",", &rest); share; share = strtok_r(NULL, ",", &rest))
        if (!parse_share(&route, share))
            return false;
    return !nw_traffic_left(&route) && !nw_traffic_find(traffic, route.alias) && nw__traffic_set(traffic, &route) == 0;
}

int nw_traffic_parse(struct nw_traffic *traffic, const char *text)
{
    char copy[TEXT_MOST], *rest;
    traffic->n = 0;
    if (!text)
        return 0;
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return -EINVAL;
    for (char *route = strtok_r(copy, " ", &rest); route; route = strtok_r(NULL, " ", &rest))
        if (!parse_route(traffic, route)) {
            traffic->n = 0;
            return -EINVAL;
        }
    return 0;
}

int nw__traffic_print(const struct nw_traffic *traffic, struct nw_buffer *text)
{
    int rc = 0;
    for (unsigned i = 0; i < traffic->n; i++) {
        const struct nw_traffic_route *route = &traffic->routes[i];
        rc |= nw_buffer_printf(text, "%s%s", i ? " " : "", route->alias);
        for (unsigned k = 0; k < route->n; k++)
            rc |= nw_buffer_printf(text, "%cv%u:%u", k ? ',' : '=', route->shares[k].version, route->shares[k].percent);
    }
    return rc < 0 || nw_buffer_append(text, "", 1) < 0 ? -ENOMEM : 0;
}
