/* The command line of the engine. */
#ifndef NW_DEPLOY_HOST_ENGINE_ARGV_H
#define NW_DEPLOY_HOST_ENGINE_ARGV_H

#include "deploy/host/host.h"

/* An argv that ends with NULL, or NULL when there is no memory. The addresses take the place of the plan's. */
char **nw__engine_argv(const struct nw_host_plan *plan, char *const *listen, int n_listen);
void nw__engine_argv_free(char **argv);

#endif
