/* What the admin API answers, as JSON. */
#ifndef NW_ENGINE_ADMIN_JSON_H
#define NW_ENGINE_ADMIN_JSON_H

#include "engine/engine.h"

/* Each returns text to be freed with free(), or NULL when memory is out. */
char *nw_json_deployment(const struct nw_deployment *deployment);
char *nw_json_functions(struct nw_engine *engine);
char *nw_json_status(struct nw_engine *engine);

#endif
