/*
 * The line that a row of the registry has of a version, with its routes: what is accepted is printed again as it was,
 * each route adds up to 100 and deals out just its parts of any hundred requests, and no version has two.
 */
#include "common/base/buffer.h"
#include "common/test/fuzz.h"
#include "engine/operations/traffic.h"
#include "engine/route/route.h"
#include "engine/store/release.h"
#include <stdio.h>
#include <string.h>

#define MOST 10000

static void check_route(const struct nw_traffic_route *route)
{
    struct nw_route_share shares[NW_ROUTE_SHARES];
    unsigned counts[NW_ROUTE_SHARES] = {0};
    NW_FUZZ_CHECK(route->n && route->n <= NW_ROUTE_SHARES && nw_traffic_left(route) == 0);
    NW_FUZZ_CHECK(!*route->alias || nw_alias_is_good(route->alias, strlen(route->alias)));
    for (unsigned i = 0; i < route->n; i++) {
        snprintf(shares[i].name, sizeof shares[i].name, "v%u", route->shares[i].version);
        shares[i].percent = route->shares[i].percent;
        for (unsigned k = 0; k < i; k++)
            NW_FUZZ_CHECK(route->shares[k].version != route->shares[i].version);
    }
    struct nw_route *deals = nw_route_new(shares, route->n);
    NW_FUZZ_CHECK(deals);
    for (unsigned turn = 0; turn < NW_ROUTE_TURNS; turn++) {
        const char *name = nw_route_take(deals);
        for (unsigned i = 0; i < route->n; i++)
            counts[i] += name == deals->shares[i].name;
    }
    for (unsigned i = 0; i < route->n; i++)
        NW_FUZZ_CHECK(counts[i] == route->shares[i].percent);
    nw_route_unref(deals);
}

static void check_traffic(const char *text)
{
    struct nw_traffic traffic, again;
    struct nw_buffer printed = {0};
    if (nw_traffic_parse(&traffic, text) < 0) {
        NW_FUZZ_CHECK(traffic.n == 0);
        return;
    }
    NW_FUZZ_CHECK(traffic.n <= NW_ALIASES_MOST + 1 && nw__traffic_print(&traffic, &printed) == 0);
    NW_FUZZ_CHECK(nw_traffic_parse(&again, printed.data) == 0 && again.n == traffic.n);
    for (unsigned i = 0; i < traffic.n; i++)
        check_route(&traffic.routes[i]);
    nw_buffer_fini(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[MOST + 1];
    const char *routes;
    struct nw_release release;
    struct nw_buffer printed = {0};
    if (size > MOST)
        return 0;
    memcpy(line, data, size);
    line[size] = '\0';
    if (nw_release_parse(&release, line, &routes) < 0)
        return 0;
    NW_FUZZ_CHECK(release.number && release.number <= release.last);
    NW_FUZZ_CHECK(nw_release_print(&release, routes, &printed) == 0 && !strcmp(printed.data, line));
    nw_buffer_fini(&printed);
    check_traffic(routes);
    return 0;
}
