/*
 * A manifest as JSON, read and written with libcjson. The values themselves are judged by nw_manifest_set. Kept apart
 * from manifest.c so that a program that needs no JSON needs no libcjson.
 */
#include "common/manifest/manifest.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 512

struct source {
    const char *text, *end;
    int member; /* the number of the one that is read; where it is, is looked up for messages only */
    char *why;
    size_t why_size;
};

int nw_json_line(const char *json, const char *at)
{
    int line = 1;
    for (const char *p = json; p < at; p++)
        line += *p == '\n';
    return line;
}

static int fail_at(const struct source *source, const char *at, const char *message)
{
    int line = nw_json_line(source->text, at < source->end ? at : source->end);
    snprintf(source->why, source->why_size, "line %d: %s", line, message);
    return -EINVAL;
}

static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

const char *nw_json_item(const char *p, int index)
{
    for (int depth = 0;;) {
        if (depth == 1 && index == 0 && *p != ',' && (unsigned char)*p > ' ')
            return p;
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        index -= *p == ',' && depth == 1;
        p++;
    }
}

static const char *skip_to_object(const char *key)
{
    const char *p = skip_string(key);
    while (*p != '{')
        p++;
    return p;
}

static const char *find_object(const char *p)
{
    while (*p != '{')
        p++;
    return p;
}

/* A string as it is, a whole number in decimal. False for anything else. */
static bool value_as_text(const cJSON *item, char *number, size_t number_size, const char **text)
{
    if (cJSON_IsString(item)) {
        *text = item->valuestring;
        return true;
    }
    *text = number;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 9007199254740992.0))
        return false;
    snprintf(number, number_size, "%.17g", item->valuedouble);
    return true;
}

static const char *member_at(const struct source *source)
{
    return nw_json_item(find_object(source->text), source->member);
}

static int set_env_object(struct nw_manifest *manifest, const struct source *source, const cJSON *env)
{
    char message[MESSAGE_MAX];
    if (!cJSON_IsObject(env))
        return fail_at(source, member_at(source), "env: must be an object of strings, like {\"KEY\": \"value\"}");
    int index = 0;
    for (const cJSON *item = env->child; item; item = item->next, index++) {
        struct nw_buffer pair = {0};
        int rc = -EINVAL;
        if (!cJSON_IsString(item))
            snprintf(message, sizeof message, "env: the value of %.80s must be a string", item->string);
        else if (strchr(item->string, '='))
            snprintf(message, sizeof message, "env: the key %.80s holds a =", item->string);
        else if (nw_buffer_printf(&pair, "%s=%s", item->string, item->valuestring) < 0)
            snprintf(message, sizeof message, "env: out of memory");
        else
            rc = nw_manifest_set(manifest, "env", pair.data, message, sizeof message);
        nw_buffer_fini(&pair);
        if (rc < 0)
            return fail_at(source, nw_json_item(skip_to_object(member_at(source)), index), message);
    }
    return 0;
}

static int set_so_path(const struct source *source, const cJSON *item, char *so_path, size_t size)
{
    if (!cJSON_IsString(item) || !*item->valuestring)
        return fail_at(source, member_at(source), "so: must be a file name");
    size_t length = strlen(item->valuestring);
    if (length >= size)
        return fail_at(source, member_at(source), "so: the file name is too long");
    memcpy(so_path, item->valuestring, length + 1);
    return 0;
}

/* An array of names as a list of them. */
static int set_calls_array(struct nw_manifest *manifest, const struct source *source, const cJSON *array)
{
    char message[MESSAGE_MAX] = "calls: must be an array of names, or \"any\", \"none\", \"scan\"";
    struct nw_buffer list = {0};
    int rc = nw_buffer_printf(&list, "%s", array->child ? "" : "none");
    for (const cJSON *item = array->child; item && rc == 0; item = item->next)
        rc = cJSON_IsString(item) ? nw_buffer_printf(&list, "%s%s", item->prev && item != array->child ? "," : "",
                                                     *item->valuestring ? item->valuestring : "?")
                                  : -EINVAL;
    if (rc == 0)
        rc = nw_manifest_set(manifest, "calls", list.data, message, sizeof message);
    nw_buffer_fini(&list);
    return rc < 0 ? fail_at(source, member_at(source), message) : 0;
}

/* What the engine wrote of a file. */
static int set_found(struct nw_manifest *manifest, const struct source *source, const cJSON *item)
{
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= sizeof manifest->found)
        return fail_at(source, member_at(source), "found: does not do");
    snprintf(manifest->found, sizeof manifest->found, "%s", item->valuestring);
    return 0;
}

static int set_member(struct nw_manifest *manifest, const struct source *source, const cJSON *item)
{
    char message[MESSAGE_MAX], number[32];
    const char *text;
    if (!strcmp(item->string, "env"))
        return set_env_object(manifest, source, item);
    if (!strcmp(item->string, "calls") && cJSON_IsArray(item))
        return set_calls_array(manifest, source, item);
    bool known = value_as_text(item, number, sizeof number, &text);
    bool is_switch = !strcmp(item->string, "fresh") || !strcmp(item->string, "http");
    if (is_switch && cJSON_IsBool(item)) {
        text = cJSON_IsTrue(item) ? "true" : "false";
        known = true;
    }
    if (!known) {
        snprintf(message, sizeof message, "%.80s: must be a string or a number", item->string);
        return fail_at(source, member_at(source), message);
    }
    int rc = nw_manifest_set(manifest, item->string, text, message, sizeof message);
    return rc < 0 ? fail_at(source, member_at(source), message) : 0;
}

static bool is_repeated(const cJSON *item)
{
    for (const cJSON *before = item->prev; before->next; before = before->prev)
        if (!strcmp(before->string, item->string))
            return true;
    return false;
}

static int set_members(struct nw_manifest *manifest, struct source *source, const cJSON *root, char *so_path,
                       size_t so_path_size)
{
    source->member = 0;
    for (const cJSON *item = root->child; item; item = item->next, source->member++) {
        int rc;
        if (is_repeated(item)) {
            char message[MESSAGE_MAX];
            snprintf(message, sizeof message, "%.80s: given twice", item->string);
            rc = fail_at(source, member_at(source), message);
        } else if (so_path && !strcmp(item->string, "so")) {
            rc = set_so_path(source, item, so_path, so_path_size);
        } else if (!so_path && !strcmp(item->string, "found")) {
            rc = set_found(manifest, source, item);
        } else {
            rc = set_member(manifest, source, item);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A backslash that is escaped escapes nothing. */
const char *nw_json_nul(const char *json, const char *end)
{
    for (const char *p = json; p < end; p++) {
        if (!*p || (end - p >= 6 && !memcmp(p, "\\u0000", 6)))
            return p;
        p += *p == '\\' && end - p > 1 && p[1] == '\\';
    }
    return NULL;
}

int nw_manifest_parse_json(struct nw_manifest *manifest, const char *json, size_t length, char *so_path,
                           size_t so_path_size, char *why, size_t why_size)
{
    struct source source = {json, json + length, 0, why, why_size};
    const char *end = NULL;
    /* libcjson would cut a string at a NUL and so see another value than the one that stands there. */
    const char *nul = nw_json_nul(json, json + length);
    if (nul)
        return fail_at(&source, nul, "a NUL character is not allowed");
    cJSON *root = cJSON_ParseWithLengthOpts(json, length, &end, 0);
    if (!root)
        return fail_at(&source, end ? end : json, "not valid JSON");
    while (end < source.end && strchr(" \t\r\n", *end))
        end++;
    int rc;
    if (end != source.end)
        rc = fail_at(&source, end, "something follows the JSON object");
    else if (!cJSON_IsObject(root))
        rc = fail_at(&source, json, "must be a JSON object");
    else
        rc = set_members(manifest, &source, root, so_path, so_path_size);
    if (rc == 0)
        rc = nw_manifest_check(manifest, why, why_size);
    cJSON_Delete(root);
    return rc;
}

/* "10s" or "250ms", as short as it goes. */
static void format_time(uint32_t ms, char *text, size_t size)
{
    bool whole = ms % 1000 == 0;
    snprintf(text, size, "%u%s", whole ? ms / 1000 : ms, whole ? "s" : "ms");
}

static void format_size(uint64_t bytes, char *text, size_t size)
{
    static const char *const suffix[] = {"", "K", "M", "G", "T"};
    int unit = 0;
    for (; unit < 4 && bytes && bytes % 1024 == 0; unit++)
        bytes /= 1024;
    snprintf(text, size, "%llu%s", (unsigned long long)bytes, suffix[unit]);
}

static bool add_env(cJSON *object, const struct nw_buffer *env)
{
    for (size_t at = 0; at < env->length; at += strlen(env->data + at) + 1) {
        const char *pair = env->data + at;
        size_t key_length = (size_t)(strchr(pair, '=') - pair);
        struct nw_buffer key = {0};
        bool added = nw_buffer_printf(&key, "%.*s", (int)key_length, pair) == 0 &&
                     cJSON_AddStringToObject(object, key.data, pair + key_length + 1);
        nw_buffer_fini(&key);
        if (!added)
            return false;
    }
    return true;
}

/* Left out where the host's holds. */
static bool add_idle(cJSON *object, uint32_t ms)
{
    char text[32];
    format_time(ms, text, sizeof text);
    return !ms || cJSON_AddStringToObject(object, "idle", text);
}

/* A list that is empty is left out. */
static bool add_list(cJSON *object, const char *key, const char *list)
{
    return !*list || cJSON_AddStringToObject(object, key, list);
}

int nw_manifest_to_json(const struct nw_manifest *manifest, struct nw_buffer *out)
{
    char timeout[32], memory[32], disk[32], static_tls[32], cpu_limit[16];
    snprintf(cpu_limit, sizeof cpu_limit, "%u%%", manifest->cpu_limit);
    format_time(manifest->timeout_ms, timeout, sizeof timeout);
    format_size(manifest->memory, memory, sizeof memory);
    format_size(manifest->disk, disk, sizeof disk);
    format_size(manifest->static_tls, static_tls, sizeof static_tls);
    cJSON *root = cJSON_CreateObject();
    cJSON *env = NULL;
    bool built =
        root && (!*manifest->name || cJSON_AddStringToObject(root, "name", manifest->name)) &&
        cJSON_AddNumberToObject(root, "slots", manifest->slots) && cJSON_AddStringToObject(root, "timeout", timeout) &&
        cJSON_AddStringToObject(root, "memory", memory) && cJSON_AddStringToObject(root, "disk", disk) &&
        cJSON_AddStringToObject(root, "tenant", manifest->tenant) &&
        (!*manifest->callers || cJSON_AddStringToObject(root, "callers", manifest->callers)) &&
        cJSON_AddNumberToObject(root, "threads", manifest->threads) &&
        cJSON_AddNumberToObject(root, "queue", manifest->queue) &&
        cJSON_AddNumberToObject(root, "weight", manifest->weight) &&
        cJSON_AddStringToObject(root, "cpu-limit", cpu_limit) &&
        cJSON_AddNumberToObject(root, "warm", manifest->warm) && add_idle(root, manifest->idle_ms) &&
        cJSON_AddBoolToObject(root, "fresh", manifest->fresh) && cJSON_AddBoolToObject(root, "http", manifest->http) &&
        add_list(root, "cors", manifest->cors) && cJSON_AddStringToObject(root, "static-tls", static_tls) &&
        cJSON_AddStringToObject(root, "profile", nw_profile_text(manifest->profile)) &&
        add_list(root, "connect", manifest->connect) && add_list(root, "directories", manifest->directories) &&
        cJSON_AddStringToObject(root, "cwd", manifest->cwd) && add_list(root, "calls", manifest->calls) &&
        add_list(root, "found", manifest->found) && (env = cJSON_AddObjectToObject(root, "env")) &&
        add_env(env, &manifest->env);
    char *text = built ? cJSON_PrintUnformatted(root) : NULL;
    int rc = text ? nw_buffer_append(out, text, strlen(text)) : -ENOMEM;
    cJSON_free(text);
    cJSON_Delete(root);
    return rc;
}
