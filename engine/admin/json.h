/* What the admin API answers, as JSON. */
#ifndef NW_ENGINE_ADMIN_JSON_H
#define NW_ENGINE_ADMIN_JSON_H

#include <stdint.h>

struct nw_deployment;
struct nw_controller;
struct nw_manifest;
struct nw_seat;

/* Each returns text to be freed with free(), or NULL when memory is out. */
char *nw__json_deployment(const struct nw_deployment *deployment);

/* The same, and what became of the settings of the version `before`, unless that has no name since there was none:
 * `changed` has the old values of those that differ; `kept` lists those that the request did not give (`named`, a bit
 * for each) and that are not at their defaults. */
char *nw__json_deployed(const struct nw_deployment *deployment, const struct nw_manifest *before, uint32_t named);

/* The status of the host but for its workers; of a worker; and what was counted so far, which belongs to the status. */
char *nw__json_status(struct nw_controller *controller);
char *nw__json_worker(const struct nw_seat *seat);
char *nw__json_figures(const struct nw_controller *controller);

#endif
