/*
 * Lists of functions, a page at a time: those behind a name, in the order of names, each written in a turn of the loop
 * of its own. Not responsible for what is said of one (json.c).
 */
#ifndef NW_ENGINE_ADMIN_LISTING_H
#define NW_ENGINE_ADMIN_LISTING_H

#include "engine/http/syntax/query.h"

struct nw_controller;
struct nw_http_request;

/* Answers GET /v1/functions?after=NAME&limit=N once the request is complete. */
void nw__listing_begin(struct nw_controller *controller, struct nw_http_request *request, struct nw_query query);

#endif
