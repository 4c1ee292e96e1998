/* See import.h. */
#include "deploy/import/import.h"
#include "deploy/base/say.h"
#include "deploy/client/answer.h"
#include "deploy/client/put.h"
#include "deploy/file/check.h"
#include "deploy/file/file.h"
#include "deploy/import/environment.h"
#include "deploy/import/func_config.h"
#include "deploy/import/library.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 64

enum outcome { DEPLOYED, UNCHANGED, REFUSED, OUTCOMES };

struct importing {
    const struct nw_import *import;
    const char *state;
    bool json;
    void (*adjust)(void *arg, struct nw_manifest *manifest);
    void *arg;
};

/* ---- reading ---- */

static void folder_of(const struct nw_import *import, char *dir)
{
    const char *slash = strrchr(import->file, '/');
    int length = slash ? (int)(slash - import->file) : 0;

    if (import->dir)
        length = snprintf(dir, PATH_MAX, "%s", import->dir);
    else if (slash == import->file)
        length = snprintf(dir, PATH_MAX, "/");
    else
        length = snprintf(dir, PATH_MAX, "%.*s", slash ? length : 1, slash ? import->file : ".");
    if (length >= PATH_MAX)
        nw_fail(NW_EXIT_SYSTEM, "--func-dir: %s", strerror(ENAMETOOLONG));
}

static void find_library(const struct nw_import *import, const struct nw_func *func, char *path)
{
    char dir[PATH_MAX], why[2 * PATH_MAX];

    folder_of(import, dir);
    if (nw__library_find(func, dir, path, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s: line %d: %s", import->file, func->line, why);
}

static void read_config(const struct nw_import *import, struct nw_func_config *config)
{
    struct nw_buffer json = {0};
    char path[PATH_MAX], why[1024];

    *config = (struct nw_func_config){.n = 0};
    nw_file_read(import->file, &json);
    if (nw_func_config_parse(config, json.data ? json.data : "", json.length, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s: %s", import->file, why);
    nw_buffer_fini(&json);
    for (int i = 0; i < config->n; i++)
        find_library(import, &config->funcs[i], path);
}

void nw_import_check(const struct nw_import *import)
{
    struct nw_func_config config;
    char *path = import->working_dir ? realpath(import->working_dir, NULL) : NULL;

    if (import->working_dir && !path)
        nw_fail(NW_EXIT_USAGE, "--func-working-dir %s: %s", import->working_dir, strerror(errno));
    free(path);
    read_config(import, &config);
    nw_func_config_fini(&config);
}

/* ---- settings ---- */

static void set(const struct importing *all, struct nw_func *func, const char *key, const char *value)
{
    char why[512];

    if (nw_manifest_set(&func->manifest, key, value, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s: line %d: %s", all->import->file, func->line, why);
}

static void set_number(const struct importing *all, struct nw_func *func, const char *key, int value)
{
    char text[32];

    snprintf(text, sizeof text, "%d", value);
    if (!nw_manifest_names(&func->manifest, key))
        set(all, func, key, text);
}

/* It may read what is there, which takes the profile files, and begins there. */
static void set_working_dir(const struct importing *all, struct nw_func *func)
{
    char grant[PATH_MAX + 4];
    char *path = realpath(all->import->working_dir, NULL);

    if (!path)
        nw_fail(NW_EXIT_USAGE, "--func-working-dir %s: %s", all->import->working_dir, strerror(errno));
    snprintf(grant, sizeof grant, "%s:ro", path);
    set(all, func, "profile", nw_profile_text(func->manifest.profile | NW_PROFILE_FILES));
    if (!nw_manifest_names(&func->manifest, "directories"))
        set(all, func, "directories", grant);
    if (!nw_manifest_names(&func->manifest, "cwd"))
        set(all, func, "cwd", path);
    free(path);
}

/* As nightcore runs it, unless the key "nightward" says otherwise. */
static void complete(const struct importing *all, struct nw_func *func)
{
    if (func->max_workers > 0)
        set_number(all, func, "slots", func->max_workers < SLOTS_MAX ? func->max_workers : SLOTS_MAX);
    if (func->min_workers > 0)
        set_number(all, func, "warm", 1);
    if (all->import->working_dir)
        set_working_dir(all, func);
    nw__environment_add(func);
    all->adjust(all->arg, &func->manifest);
}

/* ---- deploying ---- */

static bool is_unchanged(const struct nw_reply *reply)
{
    cJSON *root = nw_answer_json(reply);
    bool same = cJSON_IsFalse(cJSON_GetObjectItem(root, "code_changed")) &&
                cJSON_GetArraySize(cJSON_GetObjectItem(root, "changed")) == 0;

    cJSON_Delete(root);
    return same;
}

static enum outcome judge(const struct importing *all, const struct nw_func *func, const char *path,
                          const struct nw_buffer *file, const struct nw_reply *reply)
{
    const char *name = func->manifest.name;
    char what[PATH_MAX + 128];

    snprintf(what, sizeof what, "deploy \"%s\": %s", name, path);
    if (!nw_answer_check(reply, all->json, what)) {
        nw_check_file(path, file, false);
        return REFUSED;
    }
    if (all->json)
        nw_answer_write_line(reply);
    if (is_unchanged(reply)) {
        if (!all->json)
            nw_say("\"%s\" is deployed already and has not changed", name);
        return UNCHANGED;
    }
    if (!all->json)
        nw_put_say_served(reply, name, "deployed");
    return DEPLOYED;
}

static enum outcome deploy(const struct importing *all, struct nw_func *func)
{
    static char every[] = "all";
    char *const resets[] = {every};
    char path[PATH_MAX];
    struct nw_buffer file = {0};
    struct nw_reply reply;
    enum outcome outcome;

    find_library(all->import, func, path);
    complete(all, func);
    nw_file_read(path, &file);
    nw_put_decide_http(&func->manifest, &file);
    const struct nw_put put = {
        .manifest = &func->manifest, .file = &file, .resets = resets, .n_resets = 1, .unless_unchanged = true};
    nw_put_send(all->state, &put, &reply);
    outcome = judge(all, func, path, &file, &reply);
    nw_reply_fini(&reply);
    nw_buffer_fini(&file);
    return outcome;
}

int nw_import_deploy(const struct nw_import *import, const char *state, bool json,
                     void (*adjust)(void *arg, struct nw_manifest *manifest), void *arg)
{
    const struct importing all = {.import = import, .state = state, .json = json, .adjust = adjust, .arg = arg};
    struct nw_func_config config;
    int counts[OUTCOMES] = {0};

    read_config(import, &config);
    for (size_t at = 0; at < config.warnings.length; at += strlen(config.warnings.data + at) + 1)
        nw_complain("%s: %s", import->file, config.warnings.data + at);
    for (int i = 0; i < config.n; i++)
        counts[deploy(&all, &config.funcs[i])]++;
    if (!json)
        nw_say("%s: %d deployed, %d unchanged, %d refused", import->file, counts[DEPLOYED], counts[UNCHANGED],
               counts[REFUSED]);
    nw_func_config_fini(&config);
    return counts[REFUSED] ? NW_EXIT_REFUSED : NW_EXIT_OK;
}
