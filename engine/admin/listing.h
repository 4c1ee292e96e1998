/*
 * Lists of functions in the order of their names, a page at a time. A page is written one function at a time, a few in
 * each turn of the loop, so that a long one delays nobody. Not responsible for what is said of a function (json.c).
 */
#ifndef NW_ENGINE_ADMIN_LISTING_H
#define NW_ENGINE_ADMIN_LISTING_H

#include "engine/http/syntax/query.h"

struct nw_controller;
struct nw_http_request;

/* Answers GET /v1/functions?after=NAME&limit=N once the request is complete. */
void nw__listing_begin(struct nw_controller *controller, struct nw_http_request *request, struct nw_query query);

#endif
