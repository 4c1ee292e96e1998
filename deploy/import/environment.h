/* The environment of a function as nightcore's launcher gives it. */
#ifndef NW_DEPLOY_IMPORT_ENVIRONMENT_H
#define NW_DEPLOY_IMPORT_ENVIRONMENT_H

#include "deploy/import/func_config.h"

/*
 * Adds the variables of this process to those that the function has, but none that it has already, none that is about
 * this process or the session that it was started in, and none that a function may not have; and FAAS_FUNC_ID. Ends the
 * process with 2 when they are too many.
 */
void nw__environment_add(struct nw_func *func);

#endif
