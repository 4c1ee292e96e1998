/*
 * nightcore's func_config.json: which functions there are. What it may hold: docs/from-nightcore.md. Not responsible
 * for finding their shared objects (library.h) or for deploying them (import.h).
 */
#ifndef NW_DEPLOY_IMPORT_FUNC_CONFIG_H
#define NW_DEPLOY_IMPORT_FUNC_CONFIG_H

#include "common/base/buffer.h"
#include "common/manifest/manifest.h"
#include <limits.h>

#define NW_FUNC_ID_MAX    255         /* nightcore's, and so how many functions there may be */
#define NW_FUNC_FILE_MAX  (1ul << 20) /* bytes */
#define NW_FUNC_MEMBERS   64          /* keys of one function */
#define NW_FUNC_CALLS_MAX 16383       /* nightcore's bound of minWorkers and maxWorkers */

struct nw_func {
    int line;                    /* where it begins */
    int id;                      /* funcId: 1 to NW_FUNC_ID_MAX */
    int min_workers;             /* -1: not said */
    int max_workers;             /* the same; 0: any number */
    struct nw_manifest manifest; /* funcName, and what the key "nightward" says */
    char so[NAME_MAX + 1];       /* the same; "": not said */
};

struct nw_func_config {
    struct nw_func *funcs; /* n of them */
    int n;
    struct nw_buffer warnings; /* for people, each with its line and a NUL behind it */
};

/* Reads JSON into one that is all zero. 0; or -EINVAL with line and key in `why`. In both cases to be given to _fini.
 */
int nw_func_config_parse(struct nw_func_config *config, const char *json, size_t length, char *why, size_t why_size);
void nw_func_config_fini(struct nw_func_config *config);

#endif
