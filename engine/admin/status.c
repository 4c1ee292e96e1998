/* See status.h. Workers may come and go meanwhile. */
#include "engine/admin/status.h"
#include "engine/admin/json.h"
#include "engine/admin/pieces.h"
#include "engine/control/controller.h"
#include "engine/http/http.h"
#include "engine/workers/seats.h"
#include <stdlib.h>
#include <string.h>

struct status {
    struct nw__pieces pieces;
    struct nw_seat_walk walk; /* to the next worker */
    bool begun;
};

static struct status *status_of(struct nw__pieces *pieces)
{
    return nw_container(pieces, struct status, pieces);
}

/* One object: its members before the workers, these, and those behind them. */
static bool add(struct nw__pieces *pieces)
{
    struct nw_controller *controller = nw_controller_of(pieces->engine);
    struct status *status = status_of(pieces);
    const struct nw_seat *seat = status->begun ? nw_seat_walk_next(&status->walk) : NULL;
    if (!status->begun) {
        status->begun = true;
        nw__pieces_add_json(pieces, nw__json_status(controller), 0, 1);
        nw__pieces_add(pieces, ",\"workers\":[", strlen(",\"workers\":["));
        return true;
    }
    if (seat) {
        nw__pieces_add_json(pieces, nw__json_worker(seat), 0, 0);
        return true;
    }
    nw__pieces_add(pieces, "]", 1);
    nw__pieces_add_json(pieces, nw__json_figures(controller), 1, 0);
    nw__pieces_add(pieces, "\n", 1);
    return false;
}

static void end(struct nw__pieces *pieces)
{
    nw_seat_walk_end(&status_of(pieces)->walk);
    free(status_of(pieces));
}

static const struct nw__pieces_kind kind = {.type = "application/json", .add = add, .end = end};

void nw__status_begin(struct nw_controller *controller, struct nw_http_request *request)
{
    struct status *status = calloc(1, sizeof *status);
    if (!status) {
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
        return;
    }
    nw_seat_walk_begin(&controller->workers, &status->walk);
    nw__pieces_begin(&status->pieces, &kind, &controller->engine, request);
}
