/* What the admin API answers, as JSON. */
#ifndef NW_ENGINE_ADMIN_JSON_H
#define NW_ENGINE_ADMIN_JSON_H

#include <stdint.h>

struct nw_deployment;
struct nw_controller;
struct nw_manifest;

/* Each returns text to be freed with free(), or NULL when memory is out. */
char *nw__json_deployment(const struct nw_deployment *deployment);

/* The same, with what became of the settings of the version before: `changed` has their old values, `kept` names those
 * that were not `named` and are not at their defaults. `before` has no name when there was none. */
char *nw__json_deployed(const struct nw_deployment *deployment, const struct nw_manifest *before, uint32_t named);
char *nw__json_status(struct nw_controller *controller);

#endif
