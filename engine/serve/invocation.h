/* The table of invocations and their lifecycle. Not responsible for choosing workers or moving bytes (dispatch.c). */
#ifndef NW_ENGINE_SERVE_INVOCATION_H
#define NW_ENGINE_SERVE_INVOCATION_H

#include "engine/serve/engine.h"

enum nw_request_event {
    NW_REQUEST_WAIT,    /* no worker, or no room */
    NW_REQUEST_ROOM,    /* there is room for more input */
    NW_REQUEST_READY,   /* the input is complete and in the arena of its worker */
    NW_REQUEST_SEND,    /* the worker was told */
    NW_REQUEST_ABANDON, /* nobody wants the answer */
    NW_REQUEST_FINISH,  /* answered */
    NW_REQUEST_EVENTS
};

/* A new invocation, OPEN; NULL when there are too many or memory is out. Takes a reference to `function`. */
struct nw_invocation *nw_request_new(struct nw_engine *engine, struct nw_function *function);

/* Moves an invocation along. When it comes back to FREE, all it holds is given up and it must not be used any more. */
void nw_request_move(struct nw_invocation *inv, enum nw_request_event event);

/* The id that workers see, and the invocation that an id names: NULL when it names none that a worker has. */
uint64_t nw_request_id(const struct nw_invocation *inv);
struct nw_invocation *nw_request_find(struct nw_engine *engine, uint64_t id);

/* Frees the table. */
void nw_requests_fini(struct nw_engine *engine);

#endif
