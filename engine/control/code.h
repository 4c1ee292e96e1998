/*
 * The code of deployments: read from the store, checked and copied on another thread when it is first needed, and kept
 * as long as the deployment lives, so that its workers can be started again whatever becomes of the store. Not
 * responsible for loading it into workers (deployments.c).
 */
#ifndef NW_ENGINE_CONTROL_CODE_H
#define NW_ENGINE_CONTROL_CODE_H

#include <stdbool.h>

struct nw_deployment;

/* Whether it can be loaded; if it was not read yet, begins to, and nw_deployment_code_read tells the end. */
bool nw_code_ready(struct nw_deployment *deployment);

/* For the end of a deployment. */
void nw_code_close(struct nw_deployment *deployment);

#endif
