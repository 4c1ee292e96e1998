/* See put.h. */
#include "deploy/client/put.h"
#include "deploy/base/say.h"
#include "deploy/client/answer.h"
#include <stdio.h>
#include <string.h>

static void add_pair(struct nw_buffer *path, const char *key, const char *value)
{
    nw_buffer_printf(path, "%s%s=", path->data[path->length - 1] == '?' ? "" : "&", key);
    nw_client_escape(path, value);
}

/* Only what is named: the engine keeps the rest as it is deployed. */
static void add_setting(struct nw_buffer *path, const struct nw_manifest *manifest, const cJSON *values,
                        const char *key)
{
    const struct nw_buffer *env = &manifest->env;
    const cJSON *value = cJSON_GetObjectItem(values, key);
    char text[2 * NW_GRANT_TEXT];

    if (strcmp(key, "env") == 0)
        for (size_t at = 0; at < env->length; at += strlen(env->data + at) + 1)
            add_pair(path, key, env->data + at);
    else if (strcmp(key, "name") != 0)
        add_pair(path, key, value ? nw_answer_scalar(value, text, sizeof text) : "");
}

static void build_path(const struct nw_put *put, struct nw_buffer *path)
{
    struct nw_buffer json = {0};
    cJSON *values;

    if (nw_manifest_to_json(put->manifest, &json) < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot deploy \"%s\": out of memory", put->manifest->name);
    values = cJSON_ParseWithLength(json.data, json.length);
    nw_buffer_printf(path, "/v1/functions/%s?", put->manifest->name);
    for (int k = 0; k < put->n_resets; k++)
        add_pair(path, "reset", put->resets[k]);
    if (put->traffic)
        add_pair(path, "traffic", put->traffic);
    if (put->unless_unchanged)
        add_pair(path, "unless", "unchanged");
    for (unsigned i = 0; nw_manifest_key(i); i++)
        if (put->manifest->named >> i & 1)
            add_setting(path, put->manifest, values, nw_manifest_key(i));
    cJSON_Delete(values);
    nw_buffer_fini(&json);
}

void nw_put_send(const char *state, const struct nw_put *put, struct nw_reply *reply)
{
    struct nw_buffer path = {0};

    build_path(put, &path);
    struct nw_request request = {
        .method = "PUT", .path = path.data, .body = put->file->data, .body_length = put->file->length};
    nw_client_send(state, &request, reply);
    nw_buffer_fini(&path);
}

/* A value for people; those of the environment may be secret. */
static const char *shown(const cJSON *value, const char *key, char *text, size_t size)
{
    int variables = strcmp(key, "env") == 0 ? cJSON_GetArraySize(value) : 0;

    if (variables)
        snprintf(text, size, "%d variable%s", variables, variables == 1 ? "" : "s");
    else if (!value || cJSON_IsNull(value) || strcmp(key, "env") == 0)
        snprintf(text, size, "%s", strcmp(key, "connect") == 0 || strcmp(key, "calls") == 0 ? "any" : "none");
    else
        nw_answer_scalar(value, text, size);
    return text;
}

/* The names alone: values may be secret. */
static void say_variables(const cJSON *names)
{
    const cJSON *name;

    cJSON_ArrayForEach(name, names) if (cJSON_IsString(name))
        nw_say("  variable %s of env has changed", name->valuestring);
}

static void say_settings(const cJSON *root)
{
    const cJSON *changed = cJSON_GetObjectItem(root, "changed"), *kept = cJSON_GetObjectItem(root, "kept"), *item;
    char before[512], now[512];

    cJSON_ArrayForEach(item, changed)
        nw_say("  %s is now %s; it was %s", item->string,
               shown(cJSON_GetObjectItem(root, item->string), item->string, now, sizeof now),
               shown(item, item->string, before, sizeof before));
    say_variables(cJSON_GetObjectItem(root, "env_changed"));
    cJSON_ArrayForEach(item, kept) if (cJSON_IsString(item)) nw_say(
        "  %s stays %s, as it was deployed; --reset %s gives it its default", item->valuestring,
        shown(cJSON_GetObjectItem(root, item->valuestring), item->valuestring, now, sizeof now), item->valuestring);
}

void nw_put_say_served(const struct nw_reply *reply, const char *name, const char *how)
{
    cJSON *root = nw_answer_json(reply);
    const cJSON *code = cJSON_GetObjectItem(root, "code_changed");
    char number[80], version[80];

    nw_answer_text(root, "number", number, sizeof number);
    nw_say("%s \"%s\", %s, version %s", how, name, number, nw_answer_text(root, "version", version, sizeof version));
    if (cJSON_IsFalse(code) && !cJSON_GetArraySize(cJSON_GetObjectItem(root, "changed")))
        nw_say("  nothing changed: it is loaded anew, and stays %s", number);
    else if (cJSON_IsBool(code))
        nw_say("  its code %s", cJSON_IsTrue(code) ? "has changed" : "is unchanged");
    say_settings(root);
    cJSON_Delete(root);
}

void nw_put_decide_http(struct nw_manifest *manifest, const struct nw_buffer *file)
{
    bool names = memmem(file->data, file->length, "nw_request_", strlen("nw_request_")) ||
                 memmem(file->data, file->length, "nw_answer_", strlen("nw_answer_"));
    char why[512];

    if (!nw_manifest_names(manifest, "http"))
        nw_manifest_set(manifest, "http", names ? "true" : "false", why, sizeof why);
}
