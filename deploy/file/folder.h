/* A function's folder: function.json and the shared object beside it. */
#ifndef NW_DEPLOY_FILE_FOLDER_H
#define NW_DEPLOY_FILE_FOLDER_H

#include "common/manifest/manifest.h"

/*
 * Reads DIR/function.json into the manifest (without a name there: the folder's) and finds the shared object;
 * `so_path` has room for PATH_MAX bytes. Ends the process with 2, naming file and key, when the folder does not do, or
 * with 111 when it cannot be read.
 */
void nw_folder_read(const char *dir, struct nw_manifest *manifest, char *so_path);

#endif
