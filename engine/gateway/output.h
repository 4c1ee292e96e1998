/*
 * Outputs on their way to HTTP clients. A large one is lent: it lies in the arena of its worker, which every function
 * of a tenant needs, until the client has it. What is lent too long, and what is more than a part of the arena, moves
 * to memory of the engine's own (spool.h), so that no function waits for the client of another, or for one of its own.
 */
#ifndef NW_ENGINE_GATEWAY_OUTPUT_H
#define NW_ENGINE_GATEWAY_OUTPUT_H

#include "engine/http/http.h"
#include "engine/serve/invocation.h"

struct nw_http_answer_head;

/* Answers with the output of a function, and with what it says of it; NULL: nothing. */
void nw__output_answer(struct nw_http_request *request, struct nw_function *function, const struct nw_result *result,
                       const struct nw_http_answer_head *head);

/* Looks for outputs that are lent too long. */
void nw_outputs_tick(struct nw_engine *engine);

#endif
