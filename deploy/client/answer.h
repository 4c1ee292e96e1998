/* What several commands do with an answer of the engine. */
#ifndef NW_DEPLOY_CLIENT_ANSWER_H
#define NW_DEPLOY_CLIENT_ANSWER_H

#include "deploy/client/client.h"
#include <cjson/cJSON.h>
#include <stdbool.h>

/* The answer as JSON. Ends the process with 111 when it is none. Free with cJSON_Delete. */
cJSON *nw_answer_json(const struct nw_reply *reply);

/* Writes the answer's bytes to standard output as they are, or with a newline behind them. Ends the process with 111
 * when they cannot be written. */
void nw_answer_write(const void *data, size_t length);
void nw_answer_write_line(const struct nw_reply *reply);

/*
 * When the answer is an error: says "cannot WHAT: message" on standard error, prints the JSON on standard output when
 * `json`, and returns false.
 */
bool nw_answer_check(const struct nw_reply *reply, bool json, const char *what);

/* A string or number as text for people, in `buffer`; "-" for anything else, and for NULL. */
const char *nw_answer_scalar(const cJSON *item, char *buffer, size_t size);

/* A member of a JSON object as text for people, in `buffer`; "-" when it is missing. */
const char *nw_answer_text(const cJSON *object, const char *key, char *buffer, size_t size);

/* Checks a function's name before it becomes part of a path; ends the process with 2 when it is none. */
void nw_answer_check_name(const char *name);

#endif
