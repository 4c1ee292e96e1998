/* See metrics.h. */
#include "engine/admin/metrics.h"
#include "common/base/buffer.h"
#include "common/base/log.h"
#include "engine/admin/pieces.h"
#include "engine/control/controller.h"
#include "engine/http/http.h"
#include "engine/http/listen.h"
#include "engine/metrics/scrape.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Each holds what was gathered for it, which is a thousand bytes for each function. */
#define AT_A_TIME 4
#define LASTS_MS  30000 /* for a client that reads slowly */

static const struct nw_http_limits limits = {
    .head = 8192,
    .head_ms = 10000,
    .body_ms = 10000,
    .idle_ms = 120000, /* longer than people scrape apart */
    .write_ms = 10000,
    .pipeline = 1,
    .connections = 8,
};

struct metrics {
    struct nw__pieces pieces;
    struct nw_scrape *scrape;
    uint64_t until; /* by the clock of the loop */
};

static struct metrics *metrics_of(struct nw__pieces *pieces)
{
    return nw_container(pieces, struct metrics, pieces);
}

static bool add(struct nw__pieces *pieces)
{
    struct metrics *metrics = metrics_of(pieces);
    bool late = nw_io_now(pieces->engine->io) > metrics->until;
    int rc = late ? -ETIMEDOUT : nw_scrape_step(metrics->scrape, &pieces->text);
    pieces->failed |= rc < 0;
    return rc > 0;
}

static void end(struct nw__pieces *pieces)
{
    nw_controller_of(pieces->engine)->scrapes--;
    nw_scrape_free(metrics_of(pieces)->scrape);
    free(metrics_of(pieces));
}

static const struct nw__pieces_kind kind = {.type = NW_METRICS_TYPE, .streams = true, .add = add, .end = end};

void nw__metrics_begin(struct nw_controller *controller, struct nw_http_request *request)
{
    static const char busy[] = "metrics are being read by as many as may at a time";
    if (controller->scrapes == AT_A_TIME) {
        nw_http_answer_error(request, NW_STATUS_UNAVAILABLE, busy, strlen(busy));
        return;
    }
    struct metrics *metrics = calloc(1, sizeof *metrics);
    struct nw_scrape *scrape = metrics ? nw_scrape_new(controller) : NULL;
    if (!scrape) {
        free(metrics);
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
        return;
    }
    controller->scrapes++;
    metrics->scrape = scrape;
    metrics->until = nw_io_now(controller->engine.io) + LASTS_MS;
    nw__pieces_begin(&metrics->pieces, &kind, &controller->engine, request);
}

static void head(void *arg, struct nw_http_request *request)
{
    static const char path[] = "/metrics";
    const char *mark = memchr(request->target, '?', request->target_length);
    size_t length = mark ? (size_t)(mark - request->target) : request->target_length;
    if (length != strlen(path) || memcmp(request->target, path, length)) {
        nw_http_answer_error(request, NW_STATUS_NO_ROUTE, "", 0);
    } else if (request->method != NW_HTTP_GET) {
        request->allow = "GET, HEAD";
        nw_http_answer_error(request, NW_STATUS_BAD_METHOD, "", 0);
    } else {
        nw__metrics_begin(arg, request);
    }
}

void nw__metrics_listen(struct nw_controller *controller)
{
    struct nw_engine *engine = &controller->engine;
    struct nw_buffer address = {0};
    if (!engine->options.metrics)
        return;
    engine->metrics = nw_http_server_new(engine->io, &engine->wheel, &limits, head, controller);
    if (!engine->metrics)
        nw_die_system("cannot serve metrics: out of memory");
    int fd = nw_listen_tcp(engine->options.metrics, NW_LISTEN_ALONE, &address);
    if (nw_http_server_listen(engine->metrics, fd) < 0)
        nw_die_system("cannot serve metrics on %s", engine->options.metrics);
    nw_log(NW_LOG_INFO, "metrics at http://%.*s/metrics, for everybody who can connect there",
           (int)strcspn(address.data, "\n"), address.data);
    nw_buffer_fini(&address);
}
