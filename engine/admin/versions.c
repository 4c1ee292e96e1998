/* See versions.h. Rows are read, and the answer is written, on another thread: the registry may be waiting for the
 * disk, and there may be many versions. */
#include "engine/admin/versions.h"
#include "engine/admin/json.h"
#include "engine/control/controller.h"
#include "engine/http/http.h"
#include "engine/io/io.h"
#include "engine/operations/traffic.h"
#include "engine/store/registry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct version {
    struct nw_manifest manifest;
    char sha256[65];
    struct nw_release release;
    bool serves;
};

struct versions {
    struct nw_http_request *request; /* NULL: the client is gone */
    struct nw_controller *controller;
    struct nw_engine *engine;
    bool reading; /* on another thread */
    char name[NW_NAME_MAX + 1];
    struct nw_traffic traffic;
    struct nw_buffer found; /* of struct version */
    struct nw_buffer text;
    bool failed; /* memory is out */
};

static void versions_free(struct versions *versions)
{
    struct version *found = (struct version *)versions->found.data;
    for (size_t i = 0; i < versions->found.length / sizeof *found; i++)
        nw_manifest_fini(&found[i].manifest);
    nw_buffer_fini(&versions->found);
    nw_buffer_fini(&versions->text);
    free(versions);
}

/* --- on another thread --- */

static void take(void *arg, const struct nw_registry_row *row)
{
    struct versions *versions = arg;
    if (row->routes)
        nw_traffic_parse(&versions->traffic, row->routes);
    struct version version = {.release = *row->release, .serves = row->serves};
    snprintf(version.sha256, sizeof version.sha256, "%s", row->sha256);
    nw_manifest_init(&version.manifest);
    if (nw_manifest_copy(&version.manifest, row->manifest) == 0 &&
        nw_buffer_append(&versions->found, &version, sizeof version) == 0)
        return;
    nw_manifest_fini(&version.manifest);
    versions->failed = true;
}

static int newest_first(const void *one, const void *other)
{
    uint32_t a = ((const struct version *)one)->release.number, b = ((const struct version *)other)->release.number;
    return (a < b) - (a > b);
}

static void write_version(struct versions *versions, const struct version *version, const struct version *before)
{
    struct nw__json_before compared = {.sha256 = ""};
    const struct nw_registry_row row = {&version->manifest, version->sha256, &version->release, version->serves, NULL};
    if (before) {
        compared.manifest = before->manifest;
        snprintf(compared.sha256, sizeof compared.sha256, "%s", before->sha256);
    }
    char *json = nw__json_version(&row, &compared, &versions->traffic);
    versions->failed |= !json || nw_buffer_append(&versions->text, json, strlen(json) - 1) < 0;
    free(json);
}

static void work(void *arg)
{
    struct versions *versions = arg;
    nw_registry_versions(versions->controller->registry, versions->name, take, versions);
    struct version *found = (struct version *)versions->found.data;
    size_t n = versions->found.length / sizeof *found;
    if (n > 1)
        qsort(found, n, sizeof *found, newest_first);
    versions->failed |= nw_buffer_printf(&versions->text, "{\"name\":\"%s\",\"keep\":%u,\"versions\":[", versions->name,
                                         (unsigned)versions->engine->options.keep) < 0;
    for (size_t i = 0; i < n && !versions->failed; i++) {
        if (i)
            versions->failed |= nw_buffer_append(&versions->text, ",", 1) < 0;
        write_version(versions, &found[i], i + 1 < n ? &found[i + 1] : NULL);
    }
    versions->failed |= nw_buffer_append(&versions->text, "]}\n", 3) < 0;
}

/* --- on the main thread --- */

static void done(void *arg)
{
    struct versions *versions = arg;
    struct nw_http_request *request = versions->engine->ended ? NULL : versions->request;
    if (request && versions->failed)
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
    else if (request && !versions->found.length)
        nw_http_answer_error(request, NW_STATUS_NOT_FOUND, "", 0);
    else if (request)
        nw_http_answer_text(request, NW_STATUS_OK, "application/json", &versions->text);
    versions_free(versions);
}

static void request_end(struct nw_http_request *request)
{
    static const char why[] = "no thread can be started to read the registry; try again";
    struct versions *versions = request->user;
    versions->reading = nw_io_offload(versions->engine->io, work, done, versions) == 0;
    if (versions->reading)
        return;
    nw_http_answer_error(request, NW_STATUS_UNAVAILABLE, why, strlen(why));
    versions_free(versions);
}

static void client_gone(struct nw_http_request *request)
{
    struct versions *versions = request->user;
    versions->request = NULL;
    if (!versions->reading)
        versions_free(versions);
}

static const struct nw_http_handler handler = {
    .reserve = nw_http_reserve_nothing, .data = nw_http_pass_over, .end = request_end, .gone = client_gone};

void nw__versions_begin(struct nw_controller *controller, struct nw_http_request *request)
{
    struct versions *versions = calloc(1, sizeof *versions);
    if (!versions) {
        nw_http_answer_error(request, NW_STATUS_INTERNAL, "out of memory", strlen("out of memory"));
        return;
    }
    versions->request = request;
    versions->controller = controller;
    versions->engine = &controller->engine;
    snprintf(versions->name, sizeof versions->name, "%s", request->function);
    request->user = versions;
    request->handler = &handler;
}
