/* See listing.h. Functions may come and go while a page is written, so it goes on by name, behind the last one. */
#include "engine/admin/listing.h"
#include "common/base/buffer.h"
#include "engine/admin/json.h"
#include "engine/base/chores.h"
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
    struct nw_chore chore;
    struct nw_engine *engine;
    struct nw_http_request *request;
    char after[NW_NAME_MAX + 1]; /* the last one that was looked at */
    unsigned long left;          /* how many more functions the page has room for */
    struct nw_buffer text;
    bool failed; /* memory is out */
};

static void add(struct listing *listing, const char *text, size_t length)
{
    listing->failed |= nw_buffer_append(&listing->text, text, length) < 0;
}

static void listing_free(struct listing *listing)
{
    nw_chore_stop(&listing->chore);
    nw_buffer_fini(&listing->text);
    free(listing);
}

static void finish(struct listing *listing, bool more)
{
    listing->failed |= nw_buffer_printf(&listing->text, "],\"total\":%zu", listing->engine->functions.n) < 0;
    if (more)
        listing->failed |= nw_buffer_printf(&listing->text, ",\"next\":\"%s\"", listing->after) < 0;
    add(listing, "}\n", 2);
    if (listing->failed)
        nw_http_answer_error(listing->request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
    else
        nw_http_answer_copy(listing->request, NW_STATUS_OK, "application/json", listing->text.data,
                            listing->text.length);
    listing_free(listing);
}

static void add_function(struct listing *listing, const struct nw_deployment *deployment)
{
    char *json = nw__json_deployment(deployment);
    listing->failed |= !json;
    if (listing->text.data[listing->text.length - 1] != '[')
        add(listing, ",", 1);
    if (json)
        add(listing, json, strcspn(json, "\n"));
    free(json);
    listing->left--;
}

static bool step(struct nw_chore *chore)
{
    struct listing *listing = nw_container(chore, struct listing, chore);
    const struct nw_function *function = nw_function_behind(listing->engine, listing->after);
    if (!function || !listing->left || listing->failed) {
        finish(listing, function != NULL);
        return false;
    }
    snprintf(listing->after, sizeof listing->after, "%s", function->name);
    if (function->current)
        add_function(listing, nw_deployment_of(function->current));
    return true;
}

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

static int no_room_needed(struct nw_http_request *request, uint64_t total)
{
    (void)request, (void)total;
    return 0;
}

static void ignore(struct nw_http_request *request, const char *data, size_t length)
{
    (void)request, (void)data, (void)length;
}

static void request_end(struct nw_http_request *request)
{
    struct listing *listing = request->user;
    nw_chore_start(&listing->engine->chores, &listing->chore);
}

static void client_gone(struct nw_http_request *request)
{
    listing_free(request->user);
}

static const struct nw_http_handler handler = {
    .reserve = no_room_needed, .data = ignore, .end = request_end, .gone = client_gone};

void nw__listing_begin(struct nw_controller *controller, struct nw_http_request *request, struct nw_query query)
{
    static const char why[] = "the query may have after=NAME, and limit=N with N from 1 to 1000";
    struct listing *listing = calloc(1, sizeof *listing);
    if (!listing || nw_buffer_printf(&listing->text, "{\"functions\":[") < 0) {
        free(listing);
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
        return;
    }
    listing->chore.step = step;
    listing->engine = &controller->engine;
    listing->request = request;
    listing->left = PAGE_MOST;
    if (read_query(listing, query) < 0) {
        listing_free(listing);
        nw_http_answer_error(request, NW_STATUS_BAD_REQUEST, why, strlen(why));
        return;
    }
    request->user = listing;
    request->handler = &handler;
}
