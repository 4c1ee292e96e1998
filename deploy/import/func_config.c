/* See func_config.h. */
#include "deploy/import/func_config.h"
#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct nw_func_config *config;
    const char *json, *end;
    const char *at; /* the item that is read */
    const cJSON *item;
    struct nw_func *func;
    char *why;
    size_t why_size;
};

/* One of nightcore's keys, or ours. 0 or -EINVAL, then `why` is set. */
struct key {
    const char *name;
    int (*set)(struct reader *reader);
    bool required;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct reader *reader, const char *format, ...)
{
    int used = snprintf(reader->why, reader->why_size, "line %d: ", nw_json_line(reader->json, reader->at));
    va_list list;

    va_start(list, format);
    if (used > 0 && (size_t)used < reader->why_size)
        vsnprintf(reader->why + used, reader->why_size - (size_t)used, format, list);
    va_end(list);
    return -EINVAL;
}

__attribute__((format(printf, 2, 3))) static int warn(const struct reader *reader, const char *format, ...)
{
    struct nw_buffer *warnings = &reader->config->warnings;
    char text[512];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (nw_buffer_printf(warnings, "line %d: %s", nw_json_line(reader->json, reader->at), text) < 0 ||
        nw_buffer_append(warnings, "", 1) < 0)
        return fail(reader, "out of memory");
    return 0;
}

/* ---- keys ---- */

/* The other functions whose name or id is that of the one that is read. */
static const struct nw_func *twin_of(const struct reader *reader, bool by_name)
{
    const struct nw_func *func = reader->func;

    for (const struct nw_func *other = reader->config->funcs; other < func; other++)
        if (by_name ? strcmp(other->manifest.name, func->manifest.name) == 0 : other->id == func->id)
            return other;
    return NULL;
}

static int check_name(const struct reader *reader, const char *name)
{
    size_t length = 0;

    if (strncmp(name, "grpc:", strlen("grpc:")) == 0)
        return fail(reader,
                    "funcName: \"%.80s\" is a gRPC service; Nightward serves functions over HTTP only. Take it out of "
                    "the file, or make it a function",
                    name);
    while (isalnum((unsigned char)name[length]))
        length++;
    if (!length || name[length] || length > NW_NAME_MAX)
        return fail(reader, "funcName: \"%.80s\" is no name; give 1 to %d letters and digits", name, NW_NAME_MAX);
    return 0;
}

static int set_name(struct reader *reader)
{
    struct nw_func *func = reader->func;
    const struct nw_func *twin;

    if (!cJSON_IsString(reader->item))
        return fail(reader, "funcName: must be a string");
    if (check_name(reader, reader->item->valuestring) < 0)
        return -EINVAL;
    snprintf(func->manifest.name, sizeof func->manifest.name, "%s", reader->item->valuestring);
    twin = twin_of(reader, true);
    return twin ? fail(reader, "funcName: \"%s\" is the name of the function in line %d, too", func->manifest.name,
                       twin->line)
                : 0;
}

static int set_number(struct reader *reader, int *to, int least, int most)
{
    double value = cJSON_IsNumber(reader->item) ? reader->item->valuedouble : most + 1.0;

    if (!(value >= least && value <= most) || value != (int)value)
        return fail(reader, "%s: must be a whole number from %d to %d", reader->item->string, least, most);
    *to = (int)value;
    return 0;
}

static int set_id(struct reader *reader)
{
    const struct nw_func *twin;

    if (set_number(reader, &reader->func->id, 1, NW_FUNC_ID_MAX) < 0)
        return -EINVAL;
    twin = twin_of(reader, false);
    return twin ? fail(reader, "funcId: %d is the id of the function in line %d, too", twin->id, twin->line) : 0;
}

static int set_min_workers(struct reader *reader)
{
    return set_number(reader, &reader->func->min_workers, -1, NW_FUNC_CALLS_MAX);
}

static int set_max_workers(struct reader *reader)
{
    return set_number(reader, &reader->func->max_workers, -1, NW_FUNC_CALLS_MAX);
}

/* Nothing to do: a function takes GET without it. */
static int set_http_get(struct reader *reader)
{
    return cJSON_IsBool(reader->item) ? 0 : fail(reader, "allowHttpGet: must be true or false");
}

static int set_qs_as_input(struct reader *reader)
{
    if (!cJSON_IsBool(reader->item))
        return fail(reader, "qsAsInput: must be true or false");
    return cJSON_IsTrue(reader->item)
               ? warn(reader, "qsAsInput: has no effect: the input is the body of a request, never its query. Send the "
                              "JSON as body, or let the function read the query (nightward/function.h)")
               : 0;
}

/* ---- the key "nightward" ---- */

static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

/* The end of the object that begins at `p`, in text that libcjson has taken. */
static const char *skip_object(const char *p)
{
    int depth = 0;

    do {
        if (*p == '"') {
            p = skip_string(p);
            continue;
        }
        depth += (*p == '{') - (*p == '}');
        p++;
    } while (depth);
    return p;
}

/* The object alone, with as many lines before it as in the file, so that messages name the line there. */
static int copy_object(const struct reader *reader, struct nw_buffer *to)
{
    const char *value = skip_string(reader->at);
    const char *begin = memchr(value, '{', (size_t)(reader->end - value));

    for (int line = nw_json_line(reader->json, begin); line > 1; line--)
        if (nw_buffer_append(to, "\n", 1) < 0)
            return -ENOMEM;
    return nw_buffer_append(to, begin, (size_t)(skip_object(begin) - begin));
}

/* "line 3: slots: ..." becomes "line 3: nightward: slots: ...". */
static int fail_within(const struct reader *reader, const char *why)
{
    const char *rest = strncmp(why, "line ", 5) == 0 ? strstr(why, ": ") : NULL;

    if (!rest)
        return fail(reader, "nightward: %s", why);
    snprintf(reader->why, reader->why_size, "%.*s: nightward%s", (int)(rest - why), why, rest);
    return -EINVAL;
}

static int set_own(struct reader *reader)
{
    struct nw_manifest *manifest = &reader->func->manifest;
    struct nw_buffer object = {0};
    char why[512];
    int rc;

    if (!cJSON_IsObject(reader->item))
        return fail(reader, "nightward: must be an object with the keys of a function.json");
    if (cJSON_GetObjectItemCaseSensitive(reader->item, "name"))
        return fail(reader, "nightward: name: is given by funcName");
    rc = copy_object(reader, &object);
    if (rc == 0)
        rc = nw_manifest_parse_json(manifest, object.data, object.length, reader->func->so, sizeof reader->func->so,
                                    why, sizeof why);
    nw_buffer_fini(&object);
    return rc == -ENOMEM ? fail(reader, "out of memory") : rc < 0 ? fail_within(reader, why) : 0;
}

/* ---- functions ---- */

static const struct key keys[] = {
    {"funcName", set_name, true},           {"funcId", set_id, true},
    {"minWorkers", set_min_workers, false}, {"maxWorkers", set_max_workers, false},
    {"allowHttpGet", set_http_get, false},  {"qsAsInput", set_qs_as_input, false},
    {"nightward", set_own, false},
};

#define N_KEYS (sizeof keys / sizeof keys[0])

static bool is_repeated(const cJSON *object, const cJSON *item)
{
    for (const cJSON *before = object->child; before != item; before = before->next)
        if (strcmp(before->string, item->string) == 0)
            return true;
    return false;
}

static int read_member(struct reader *reader, const cJSON *object)
{
    const char *name = reader->item->string;

    if (is_repeated(object, reader->item))
        return fail(reader, "%.80s: given twice", name);
    for (size_t i = 0; i < N_KEYS; i++)
        if (strcmp(name, keys[i].name) == 0)
            return keys[i].set(reader);
    return warn(reader, "%.80s: this key is not known and has no effect", name);
}

static int check_whole(struct reader *reader, const cJSON *object)
{
    const struct nw_func *func = reader->func;

    for (size_t i = 0; i < N_KEYS; i++)
        if (keys[i].required && !cJSON_GetObjectItemCaseSensitive(object, keys[i].name))
            return fail(reader, "%s: is missing", keys[i].name);
    if (func->max_workers > 0 && func->min_workers > func->max_workers)
        return fail(reader, "minWorkers: %d are more than maxWorkers, %d", func->min_workers, func->max_workers);
    return 0;
}

static int read_func(struct reader *reader, const cJSON *object, const char *begin)
{
    int index = 0;

    reader->at = begin;
    if (!cJSON_IsObject(object))
        return fail(reader, "must be an object like {\"funcName\": \"Foo\", \"funcId\": 1}");
    if (cJSON_GetArraySize(object) > NW_FUNC_MEMBERS)
        return fail(reader, "a function has more than %d keys", NW_FUNC_MEMBERS);
    reader->func = &reader->config->funcs[reader->config->n++];
    *reader->func = (struct nw_func){.line = nw_json_line(reader->json, begin), .min_workers = -1, .max_workers = -1};
    nw_manifest_init(&reader->func->manifest);
    cJSON_ArrayForEach(reader->item, object)
    {
        reader->at = nw_json_item(begin, index++);
        if (read_member(reader, object) < 0)
            return -EINVAL;
    }
    reader->at = begin;
    return check_whole(reader, object);
}

static int read_funcs(struct reader *reader, const cJSON *root)
{
    int n = cJSON_GetArraySize(root), index = 0;
    const cJSON *object;
    const char *array;

    reader->at = reader->json;
    if (!cJSON_IsArray(root) || n == 0)
        return fail(reader, "must be an array of functions like [{\"funcName\": \"Foo\", \"funcId\": 1}]");
    if (n > NW_FUNC_ID_MAX)
        return fail(reader, "more than %d functions", NW_FUNC_ID_MAX);
    reader->config->funcs = calloc((size_t)n, sizeof(struct nw_func));
    if (!reader->config->funcs)
        return fail(reader, "out of memory");
    array = memchr(reader->json, '[', (size_t)(reader->end - reader->json));
    cJSON_ArrayForEach(object, root) if (read_func(reader, object, nw_json_item(array, index++)) < 0) return -EINVAL;
    return 0;
}

int nw_func_config_parse(struct nw_func_config *config, const char *json, size_t length, char *why, size_t why_size)
{
    struct reader reader = {
        .config = config, .json = json, .end = json + length, .at = json, .why = why, .why_size = why_size};
    const char *nul = nw_json_nul(json, reader.end), *end = NULL;
    cJSON *root = nul || length > NW_FUNC_FILE_MAX ? NULL : cJSON_ParseWithLengthOpts(json, length, &end, 0);
    int rc;

    while (root && end < reader.end && strchr(" \t\r\n", *end))
        end++;
    reader.at = nul ? nul : end ? end : json;
    reader.at = reader.at < reader.end ? reader.at : reader.end;
    if (length > NW_FUNC_FILE_MAX)
        rc = fail(&reader, "more than %lu bytes", NW_FUNC_FILE_MAX);
    else if (!root)
        rc = fail(&reader, nul ? "a NUL character is not allowed" : "not valid JSON");
    else if (end != reader.end)
        rc = fail(&reader, "something follows the JSON array");
    else
        rc = read_funcs(&reader, root);
    cJSON_Delete(root);
    return rc;
}

void nw_func_config_fini(struct nw_func_config *config)
{
    for (int i = 0; i < config->n; i++)
        nw_manifest_fini(&config->funcs[i].manifest);
    free(config->funcs);
    nw_buffer_fini(&config->warnings);
    *config = (struct nw_func_config){.n = 0};
}
