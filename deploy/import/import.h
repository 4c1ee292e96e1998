/* Deploys what nightcore's func_config.json names. */
#ifndef NW_DEPLOY_IMPORT_IMPORT_H
#define NW_DEPLOY_IMPORT_IMPORT_H

#include "common/manifest/manifest.h"
#include <stdbool.h>

struct nw_import {
    const char *file;        /* the func_config.json */
    const char *dir;         /* where the shared objects are; NULL: where the file is */
    const char *working_dir; /* of the functions; NULL: as other functions have it */
};

/* Whether the file can be read and each function has a shared object. Ends the process if not: with 2, naming file,
 * line and key, or with 111. */
void nw_import_check(const struct nw_import *import);

/*
 * Deploys all of them to the engine on the state directory; what is deployed already and has not changed is left alone.
 * `adjust` may change the settings of each. Says what comes of each, with `json` the engine's answers. The exit status:
 * 1 when the engine refused one; the others are deployed.
 */
int nw_import_deploy(const struct nw_import *import, const char *state, bool json,
                     void (*adjust)(void *arg, struct nw_manifest *manifest), void *arg);

#endif
