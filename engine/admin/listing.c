/* See listing.h. Functions may come and go while a page is written, so it goes on by name, behind the last one. */
#include "engine/admin/listing.h"
#include "common/base/buffer.h"
#include "engine/admin/json.h"
#include "engine/admin/pieces.h"
#include "engine/control/controller.h"
#include "engine/http/http.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/versions/deployment.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MOST 1000

struct listing {
    struct nw__pieces pieces;
    char after[NW_NAME_MAX + 1]; /* the last one that was looked at */
    unsigned long left;          /* how many more functions the page has room for */
};

static struct listing *listing_of(struct nw__pieces *pieces)
{
    return nw_container(pieces, struct listing, pieces);
}

static void finish(struct listing *listing, bool more)
{
    struct nw__pieces *pieces = &listing->pieces;
    pieces->failed |=
        nw_buffer_printf(&pieces->text, "],\"total\":%zu", pieces->engine->functions.n - pieces->engine->branches) < 0;
    if (more)
        pieces->failed |= nw_buffer_printf(&pieces->text, ",\"next\":\"%s\"", listing->after) < 0;
    nw__pieces_add(pieces, "}\n", 2);
}

static bool add(struct nw__pieces *pieces)
{
    struct listing *listing = listing_of(pieces);
    const struct nw_function *function = nw_function_behind(pieces->engine, listing->after);
    if (!function || !listing->left) {
        finish(listing, function != NULL);
        return false;
    }
    snprintf(listing->after, sizeof listing->after, "%s", function->name);
    if (!function->current || nw_function_is_branch(function))
        return true;
    nw__pieces_add_json(pieces, nw__json_deployment(nw_deployment_of(function->current)), 0, 0);
    listing->left--;
    return true;
}

static void end(struct nw__pieces *pieces)
{
    free(listing_of(pieces));
}

static const struct nw__pieces_kind kind = {.type = "application/json", .add = add, .end = end};

/* --- the request --- */

static int set(struct listing *listing, const char *key, const char *value)
{
    char *end;
    if (!strcmp(key, "after") && strlen(value) <= NW_NAME_MAX) {
        snprintf(listing->after, sizeof listing->after, "%s", value);
        return 0;
    }
    listing->left = strtoul(value, &end, 10);
    return strcmp(key, "limit") || *end || !listing->left || listing->left > PAGE_MOST ? -EINVAL : 0;
}

static int read_query(struct listing *listing, struct nw_query query)
{
    struct nw_buffer key = {0}, value = {0};
    int rc;
    while ((rc = nw_query_next(&query, &key, &value)) > 0)
        if ((rc = set(listing, key.data, value.data)) < 0)
            break;
    nw_buffer_fini(&key);
    nw_buffer_fini(&value);
    return rc;
}

void nw__listing_begin(struct nw_controller *controller, struct nw_http_request *request, struct nw_query query)
{
    static const char why[] = "the query may have after=NAME, and limit=N with N from 1 to 1000";
    struct listing *listing = calloc(1, sizeof *listing);
    if (!listing) {
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
        return;
    }
    listing->left = PAGE_MOST;
    if (read_query(listing, query) < 0) {
        free(listing);
        nw_http_answer_error(request, NW_STATUS_BAD_REQUEST, why, strlen(why));
        return;
    }
    nw__pieces_add(&listing->pieces, "{\"functions\":[", strlen("{\"functions\":["));
    nw__pieces_begin(&listing->pieces, &kind, &controller->engine, request);
}
