/* What the admin API answers, as JSON. */
#ifndef NW_ENGINE_ADMIN_JSON_H
#define NW_ENGINE_ADMIN_JSON_H

#include "common/manifest/manifest.h"
#include <stdint.h>

struct nw_deployment;
struct nw_controller;
struct nw_registry_row;
struct nw_seat;
struct nw_traffic;

/* Each returns text to be freed with free(), or NULL when memory is out. */
char *nw__json_deployment(const struct nw_deployment *deployment);

/* A version of a function, to be compared with one after it. No name: there is none. */
struct nw__json_before {
    struct nw_manifest manifest;
    char sha256[65];
};

/* The same as nw__json_deployment, and what became of the version before, if there was one: `changed` has the old
 * values of settings that differ, `env_changed` the names of variables, `code_changed` is said of the code; `kept`
 * lists those that the request did not give (`named`, a bit for each) and that are not at their defaults. */
char *nw__json_deployed(const struct nw_deployment *deployment, const struct nw__json_before *before, uint32_t named);

/* A version as the registry has it, what part of the requests it gets, and how it differs from the one before. */
char *nw__json_version(const struct nw_registry_row *row, const struct nw__json_before *before,
                       const struct nw_traffic *traffic);

/* The status of the host but for its workers; of a worker; and what was counted so far, which belongs to the status. */
char *nw__json_status(struct nw_controller *controller);
char *nw__json_worker(const struct nw_seat *seat);
char *nw__json_figures(const struct nw_controller *controller);

#endif
