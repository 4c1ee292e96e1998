/* Giving the engine a function, or a new version of one, and saying what came of it. */
#ifndef NW_DEPLOY_CLIENT_PUT_H
#define NW_DEPLOY_CLIENT_PUT_H

#include "common/manifest/manifest.h"
#include "deploy/client/client.h"
#include <stdbool.h>

struct nw_put {
    const struct nw_manifest *manifest; /* its name, and the settings that are named in it */
    const struct nw_buffer *file;
    char *const *resets; /* keys that get their defaults first, n_resets of them */
    int n_resets;
    const char *traffic;   /* the part of the requests that the version gets; NULL: all */
    bool unless_unchanged; /* a version that is the same is left alone */
};

/* Sends it, as nw_client_send does. */
void nw_put_send(const char *state, const struct nw_put *put, struct nw_reply *reply);

/* Sets the key `http`, unless it is named: by the names of nightward/function.h that the file imports, or looks up. */
void nw_put_decide_http(struct nw_manifest *manifest, const struct nw_buffer *file);

/* Says that a version serves since it was "deployed", "rolled back", ..., and how it differs from the one before. */
void nw_put_say_served(const struct nw_reply *reply, const char *name, const char *how);

#endif
