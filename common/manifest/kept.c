/* Manifests that are kept, as manifest.h tells. */
#include "common/manifest/manifest.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next text of the block. */
static const char *put(char **at, const char *text, size_t length)
{
    char *begin = *at;
    if (length)
        memcpy(begin, text, length);
    *at += length;
    return begin;
}

int nw_kept_manifest_init(struct nw_kept_manifest *kept, const struct nw_manifest *manifest)
{
    const char *const texts[] = {manifest->name,    manifest->tenant,      manifest->callers,
                                 manifest->connect, manifest->directories, manifest->cwd,
                                 manifest->cors,    manifest->calls,       manifest->found};
    const char **const to[] = {&kept->name, &kept->tenant, &kept->callers, &kept->connect, &kept->directories,
                               &kept->cwd,  &kept->cors,   &kept->calls,   &kept->found};
    size_t length = manifest->env.length;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        length += strlen(texts[i]) + 1;
    char *at = malloc(length);
    if (!at)
        return -ENOMEM;
    *kept = (struct nw_kept_manifest){.memory = manifest->memory,
                                      .disk = manifest->disk,
                                      .static_tls = manifest->static_tls,
                                      .slots = manifest->slots,
                                      .timeout_ms = manifest->timeout_ms,
                                      .threads = manifest->threads,
                                      .weight = manifest->weight,
                                      .cpu_limit = manifest->cpu_limit,
                                      .warm = manifest->warm,
                                      .idle_ms = manifest->idle_ms,
                                      .queue = manifest->queue,
                                      .fresh = manifest->fresh,
                                      .http = manifest->http,
                                      .profile = manifest->profile};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *to[i] = put(&at, texts[i], strlen(texts[i]) + 1);
    kept->env.length = manifest->env.length;
    kept->env.data = put(&at, manifest->env.data, manifest->env.length);
    return 0;
}

void nw_kept_manifest_fini(struct nw_kept_manifest *kept)
{
    free((char *)kept->name);
    *kept = (struct nw_kept_manifest){.name = NULL};
}

int nw_kept_manifest_copy(struct nw_manifest *to, const struct nw_kept_manifest *kept)
{
    struct nw_buffer env = {0};
    if (kept->env.length && nw_buffer_append(&env, kept->env.data, kept->env.length) < 0)
        return -ENOMEM;
    nw_manifest_fini(to);
    nw_manifest_init(to);
    to->slots = kept->slots;
    to->timeout_ms = kept->timeout_ms;
    to->memory = kept->memory;
    to->disk = kept->disk;
    to->threads = kept->threads;
    to->weight = kept->weight;
    to->cpu_limit = kept->cpu_limit;
    to->warm = kept->warm;
    to->idle_ms = kept->idle_ms;
    to->queue = kept->queue;
    to->fresh = kept->fresh;
    to->http = kept->http;
    to->static_tls = kept->static_tls;
    to->profile = kept->profile;
    snprintf(to->name, sizeof to->name, "%s", kept->name);
    snprintf(to->tenant, sizeof to->tenant, "%s", kept->tenant);
    snprintf(to->callers, sizeof to->callers, "%s", kept->callers);
    snprintf(to->connect, sizeof to->connect, "%s", kept->connect);
    snprintf(to->directories, sizeof to->directories, "%s", kept->directories);
    snprintf(to->cwd, sizeof to->cwd, "%s", kept->cwd);
    snprintf(to->cors, sizeof to->cors, "%s", kept->cors);
    snprintf(to->calls, sizeof to->calls, "%s", kept->calls);
    snprintf(to->found, sizeof to->found, "%s", kept->found);
    to->env = env;
    return 0;
}

bool nw_kept_manifest_agrees(const struct nw_kept_manifest *kept, const struct nw_manifest *manifest)
{
    struct nw_manifest other;
    nw_manifest_init(&other);
    bool agrees = nw_kept_manifest_copy(&other, kept) == 0;
    for (unsigned i = 0; agrees && nw_manifest_key(i); i++)
        agrees = nw_manifest_agree(&other, manifest, i);
    nw_manifest_fini(&other);
    return agrees;
}
