/* Asking the engine for something, and showing it. */
#ifndef NW_DEPLOY_CLIENT_ASK_H
#define NW_DEPLOY_CLIENT_ASK_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/*
 * Gets `path` from the engine on the state directory and shows it on standard output: with `json` as it is, else by
 * `show`. An error is told as "cannot WHAT: message" (answer.h). The exit status.
 */
int nw_ask(const char *state, const char *path, const char *what, bool json, void (*show)(const cJSON *answer));

#endif
