/*
 * The keys of a manifest in their text form: one table with type, default and bounds. Not responsible for JSON
 * (manifest/json.c).
 */
#include "common/manifest/manifest.h"
#include "common/manifest/tunables.h"
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB       1024ull
#define MIB       (KIB * KIB)
#define GIB       (KIB * MIB)
#define TIB       (KIB * GIB)
#define DAY       (24 * 3600000ull) /* ms */
#define ENV_TOTAL 30000             /* bytes; name and environment must fit in one control message */

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit counts[] = {{"", 1}, {NULL, 0}};
static const struct unit percents[] = {{"%", 1}, {NULL, 0}};
static const struct unit times[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"K", KIB}, {"M", MIB}, {"G", GIB}, {"T", TIB}, {NULL, 0}};

/* Every key whose value is a number. */
struct number_key {
    const char *key;
    size_t offset, width; /* of the field in struct nw_manifest */
    const struct unit *units;
    uint64_t initial, min, max;
    const char *form; /* for people */
};

#define FIELD(name) offsetof(struct nw_manifest, name), sizeof(((struct nw_manifest *)0)->name)

static const struct number_key number_keys[] = {
    {"slots", FIELD(slots), counts, 8, 1, 64, "a number from 1 to 64"},
    {"timeout", FIELD(timeout_ms), times, 10000, 1, 3600000, "1ms to 1h with its unit, like 250ms, 10s or 2m"},
    {"memory", FIELD(memory), sizes, 256 * MIB, 16 * MIB, 4 * GIB, "16M to 4G, like 64M, 1G or a number of bytes"},
    {"disk", FIELD(disk), sizes, GIB, 0, 16 * TIB, "0 to 16T, like 100M, 1G or a number of bytes"},
    {"threads", FIELD(threads), counts, 32, 0, 95, "a number from 0 to 95"},
    {"queue", FIELD(queue), counts, 1000, 1, 65536, "a number from 1 to 65536"},
    {"weight", FIELD(weight), counts, 100, 1, 10000, "a number from 1 to 10000"},
    {"cpu-limit", FIELD(cpu_limit), percents, 0, 0, 10000, "0% to 10000%, like 50%; 0% is no limit"},
    {"warm", FIELD(warm), counts, 0, 0, 64, "a number from 0 to 64"},
    {"idle", FIELD(idle_ms), times, 0, 2000, 30 * DAY, "2s to 720h with its unit, like 30s, 5m or 1h"},
    {"static-tls", FIELD(static_tls), sizes, 512, 0, 256 * KIB, "0 to 256K, like 4K or a number of bytes"},
};

#define NUMBER_KEYS (sizeof number_keys / sizeof number_keys[0])

static void store(struct nw_manifest *manifest, const struct number_key *key, uint64_t value)
{
    unsigned char *field = (unsigned char *)manifest + key->offset;
    uint32_t narrow = (uint32_t)value;
    if (key->width == sizeof narrow)
        memcpy(field, &narrow, sizeof narrow);
    else
        memcpy(field, &value, sizeof value);
}

void nw_manifest_init(struct nw_manifest *manifest)
{
    *manifest = (struct nw_manifest){.tenant = NW_DEFAULT_TENANT, .cwd = "/"};
    for (size_t i = 0; i < NUMBER_KEYS; i++)
        store(manifest, &number_keys[i], number_keys[i].initial);
    manifest->profile = NW_PROFILE_COMPUTE;
}

void nw_manifest_fini(struct nw_manifest *manifest)
{
    nw_buffer_fini(&manifest->env);
}

int nw_manifest_copy(struct nw_manifest *to, const struct nw_manifest *from)
{
    struct nw_buffer env = {0};
    if (from->env.length && nw_buffer_append(&env, from->env.data, from->env.length) < 0)
        return -ENOMEM;
    nw_manifest_fini(to);
    *to = *from;
    to->env = env;
    return 0;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

int nw_manifest_check_name(const char *name, size_t length)
{
    if (length < 1 || length > NW_NAME_MAX || name[0] == '.' || name[0] == '-')
        return -EINVAL;
    for (size_t i = 0; i < length; i++)
        if (!is_name_char(name[i]))
            return -EINVAL;
    return 0;
}

int nw_manifest_check_callee(const char *name, size_t length)
{
    const char *mark = length > 0 && length <= NW_NAME_MAX ? memchr(name, '@', length) : NULL;
    if (!mark)
        return nw_manifest_check_name(name, length);
    const size_t base = (size_t)(mark - name);
    const int rc = nw_manifest_check_name(name, base);
    return rc < 0 ? rc : nw_manifest_check_name(mark + 1, length - base - 1);
}

/* The name of a function or of a tenant. */
static int set_name(char *name, const char *key, const char *value, char *why, size_t why_size)
{
    size_t length = strlen(value);
    if (nw_manifest_check_name(value, length) < 0) {
        snprintf(why, why_size, "%s: \"%.80s\" is no name; use 1 to %d of A-Z a-z 0-9 . _ - and begin with none of . -",
                 key, value, NW_NAME_MAX);
        return -EINVAL;
    }
    memcpy(name, value, length + 1);
    return 0;
}

/* The next name of "a, b" without the spaces around it; `list` moves on, to NULL after the last one. */
static const char *next_caller(const char **list, size_t *length)
{
    const char *begin = *list + strspn(*list, " "), *end = begin + strcspn(begin, ",");
    *list = *end ? end + 1 : NULL;
    while (end > begin && end[-1] == ' ')
        end--;
    *length = (size_t)(end - begin);
    return begin;
}

static bool is_everybody(const char *name, size_t length)
{
    return length == 1 && *name == '*';
}

/* Kept as "a,b". */
static int set_callers(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    char callers[NW_CALLERS_MAX + 1] = "";
    size_t used = 0, length;
    for (const char *rest = *value ? value : NULL; rest;) {
        const char *name = next_caller(&rest, &length);
        if (!is_everybody(name, length) && nw_manifest_check_name(name, length) < 0) {
            snprintf(why, why_size, "callers: \"%.80s\" does not do; give tenants, like \"a, b\", or *", value);
            return -EINVAL;
        }
        if (used + length + 1 > NW_CALLERS_MAX) {
            snprintf(why, why_size, "callers: more than %d characters", NW_CALLERS_MAX);
            return -EINVAL;
        }
        used += (size_t)sprintf(callers + used, "%s%.*s", used ? "," : "", (int)length, name);
    }
    memcpy(manifest->callers, callers, sizeof callers);
    return 0;
}

bool nw_manifest_may_call(const char *owner, const char *callers, const char *tenant)
{
    size_t length;
    if (!strcmp(owner, tenant))
        return true;
    for (const char *rest = *callers ? callers : NULL; rest;) {
        const char *name = next_caller(&rest, &length);
        if (is_everybody(name, length) || (!strncmp(name, tenant, length) && !tenant[length]))
            return true;
    }
    return false;
}

/* Digits and a unit. False for anything else, and for what does not fit 64 bits. */
static bool parse_number(const char *text, const struct unit *units, uint64_t *value)
{
    uint64_t n = 0;
    if (!isdigit((unsigned char)*text))
        return false;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
            return false;
    for (; units->suffix; units++)
        if (!strcmp(text, units->suffix))
            return !__builtin_mul_overflow(n, units->factor, value);
    return false;
}

static int set_number(struct nw_manifest *manifest, const struct number_key *key, const char *value, char *why,
                      size_t why_size)
{
    uint64_t number;
    if (!parse_number(value, key->units, &number) || number < key->min || number > key->max) {
        snprintf(why, why_size, "%s: \"%.80s\" does not do; give %s", key->key, value, key->form);
        return -EINVAL;
    }
    store(manifest, key, number);
    return 0;
}

/* The bytes of the variable's name, or 0 when the text is not K=V. */
static size_t env_key_length(const char *text)
{
    size_t n = 0;
    while (text[n] == '_' || isalpha((unsigned char)text[n]) || (n && isdigit((unsigned char)text[n])))
        n++;
    return text[n] == '=' ? n : 0;
}

/* The domain's own loader is steered by these. */
static bool env_is_reserved(const char *text)
{
    return !strncmp(text, "LD_", 3);
}

/* The variable of that name, or NULL. */
static char *env_find(const struct nw_buffer *env, const char *key, size_t key_length)
{
    for (size_t at = 0; at < env->length; at += strlen(env->data + at) + 1)
        if (!strncmp(env->data + at, key, key_length + 1))
            return env->data + at;
    return NULL;
}

static void env_remove(struct nw_buffer *env, char *variable, size_t size)
{
    char *end = env->data + env->length;
    memmove(variable, variable + size, (size_t)(end - variable) - size);
    env->length -= size;
}

static int set_env(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    size_t key_length = env_key_length(value);
    if (!key_length) { /* a value, or what may be one, is not repeated: it may be secret */
        const char *equals = strchr(value, '=');
        snprintf(why, why_size, "env: \"%.*s%s\" is not KEY=VALUE with a KEY of letters, digits and _",
                 equals ? (int)(equals - value < 80 ? equals - value : 80) : 0, value, equals ? "=..." : "...");
        return -EINVAL;
    }
    if (env_is_reserved(value)) {
        snprintf(why, why_size, "env: %.*s is reserved for the loader", (int)key_length, value);
        return -EINVAL;
    }
    if (!strncmp(value, NW_TUNABLES, strlen(NW_TUNABLES)) &&
        nw__tunables_check(value + strlen(NW_TUNABLES), why, why_size) < 0)
        return -EINVAL;
    size_t size = strlen(value) + 1;
    char *old = env_find(&manifest->env, value, key_length);
    size_t old_size = old ? strlen(old) + 1 : 0;
    if (size > ENV_TOTAL || manifest->env.length - old_size + size > ENV_TOTAL) {
        snprintf(why, why_size, "env: more than %d bytes in all", ENV_TOTAL);
        return -EINVAL;
    }
    if (old)
        env_remove(&manifest->env, old, old_size);
    if (nw_buffer_append(&manifest->env, value, size) < 0) {
        snprintf(why, why_size, "env: out of memory");
        return -EINVAL;
    }
    return 0;
}

static const struct {
    const char *text;
    uint32_t profile;
} profiles[] = {
    {"compute", NW_PROFILE_COMPUTE},
    {"net", NW_PROFILE_COMPUTE | NW_PROFILE_NET},
    {"files", NW_PROFILE_COMPUTE | NW_PROFILE_FILES},
    {"net,files", NW_PROFILE_COMPUTE | NW_PROFILE_NET | NW_PROFILE_FILES},
};

static int set_profile(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (!strcmp(value, profiles[i].text)) {
            manifest->profile = profiles[i].profile;
            return 0;
        }
    snprintf(why, why_size, "profile: \"%.80s\" does not do; give compute, net, files or net,files", value);
    return -EINVAL;
}

const char *nw_profile_text(uint32_t profile)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (profile == profiles[i].profile)
            return profiles[i].text;
    return "unknown";
}

static int set_switch(uint32_t *to, const char *key, const char *value, char *why, size_t why_size)
{
    *to = !strcmp(value, "true");
    if (*to || !strcmp(value, "false"))
        return 0;
    snprintf(why, why_size, "%s: \"%.80s\" does not do; give true or false", key, value);
    return -EINVAL;
}

static int set_fresh(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    return set_switch(&manifest->fresh, "fresh", value, why, why_size);
}

static int set_http(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    return set_switch(&manifest->http, "http", value, why, why_size);
}

static int set_connect(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    struct nw_address_grant grants[NW_ADDRESSES_MAX];
    if (nw_grant_addresses(value, grants, why, why_size) < 0)
        return -EINVAL;
    snprintf(manifest->connect, sizeof manifest->connect, "%s", value);
    return 0;
}

static int set_directories(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    struct nw_directory_grant grants[NW_DIRECTORIES_MAX];
    if (nw_grant_directories(value, grants, why, why_size) < 0)
        return -EINVAL;
    snprintf(manifest->directories, sizeof manifest->directories, "%s", value);
    return 0;
}

static int set_cwd(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    if (strlen(value) >= NW_CWD_TEXT || (strcmp(value, "/") != 0 && !nw__grant_is_plain(value))) {
        snprintf(why, why_size,
                 "cwd: \"%.80s\" does not do; give an absolute path of at most %d characters, like /data", value,
                 NW_CWD_TEXT - 1);
        return -EINVAL;
    }
    snprintf(manifest->cwd, sizeof manifest->cwd, "%s", value);
    return 0;
}

static int set_calls(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    char calls[NW_CALLS_TEXT] = "";
    int rc = 0;
    size_t length;
    for (const char *rest = *value && strcmp(value, "any") ? value : NULL; rest && !rc;) {
        char name[NW_NAME_MAX + 1];
        const char *at = next_caller(&rest, &length);
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        bool alone = !strcmp(name, "any") || (!strcmp(name, "none") && strcmp(value, "none"));
        rc = alone || nw_manifest_check_name(at, length) < 0 ? -EINVAL : nw_calls_add(calls, name);
    }
    if (rc == -E2BIG)
        snprintf(why, why_size, "calls: more than %d characters", NW_CALLS_TEXT - 1);
    else if (rc)
        snprintf(why, why_size, "calls: \"%.80s\" does not do; give any, none, scan, or functions, like \"a, b\"",
                 value);
    else
        memcpy(manifest->calls, calls, sizeof calls);
    return rc ? -EINVAL : 0;
}

/* A scheme and a host, with a port or without: what a browser says of where a page comes from. */
static bool is_origin(const char *text, size_t length)
{
    static const char of_host[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]";
    const char *host = memmem(text, length, "://", 3);
    return host && host > text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == (size_t)(host - text) &&
           host + 3 < text + length && strspn(host + 3, of_host) >= length - (size_t)(host + 3 - text);
}

/* Kept as "a,b". */
static int set_cors(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    char cors[NW_CORS_TEXT] = "";
    size_t used = 0, length;
    for (const char *rest = *value ? value : NULL; rest;) {
        const char *origin = next_caller(&rest, &length);
        bool everybody = is_everybody(origin, length) && !rest && !used;
        if ((!everybody && !is_origin(origin, length)) || used + length + 2 > sizeof cors) {
            snprintf(why, why_size,
                     "cors: \"%.80s\" does not do; give origins, like \"https://example.com, http://localhost:3000\", "
                     "at most %d characters, or *",
                     value, NW_CORS_TEXT - 1);
            return -EINVAL;
        }
        used += (size_t)sprintf(cors + used, "%s%.*s", used ? "," : "", (int)length, origin);
    }
    memcpy(manifest->cors, cors, sizeof cors);
    return 0;
}

static int set_function_name(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    return set_name(manifest->name, "name", value, why, why_size);
}

static int set_tenant(struct nw_manifest *manifest, const char *value, char *why, size_t why_size)
{
    return set_name(manifest->tenant, "tenant", value, why, why_size);
}

/* Every key whose value is a text that needs looking at. They are numbered behind number_keys. */
static const struct text_key {
    const char *key;
    int (*set)(struct nw_manifest *manifest, const char *value, char *why, size_t why_size);
    size_t offset, width; /* of the field in struct nw_manifest */
} text_keys[] = {
    {"name", set_function_name, FIELD(name)},
    {"tenant", set_tenant, FIELD(tenant)},
    {"callers", set_callers, FIELD(callers)},
    {"profile", set_profile, FIELD(profile)},
    {"connect", set_connect, FIELD(connect)},
    {"directories", set_directories, FIELD(directories)},
    {"cwd", set_cwd, FIELD(cwd)},
    {"calls", set_calls, FIELD(calls)},
    {"fresh", set_fresh, FIELD(fresh)},
    {"http", set_http, FIELD(http)},
    {"cors", set_cors, FIELD(cors)},
    {"env", set_env, FIELD(env)},
};

#define TEXT_KEYS (sizeof text_keys / sizeof text_keys[0])
#define KEYS      (NUMBER_KEYS + TEXT_KEYS)

const char *nw_manifest_key(unsigned i)
{
    if (i < NUMBER_KEYS)
        return number_keys[i].key;
    return i < KEYS ? text_keys[i - NUMBER_KEYS].key : NULL;
}

void nw_manifest_list_keys(char *text, size_t size, const char *separator)
{
    size_t used = 0;
    for (unsigned i = 0; i < KEYS && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? separator : "", nw_manifest_key(i));
}

static unsigned find_key(const char *key)
{
    unsigned i = 0;
    while (i < KEYS && strcmp(key, nw_manifest_key(i)))
        i++;
    return i;
}

static int unknown_key(const char *key, char *why, size_t why_size)
{
    char keys[256];
    nw_manifest_list_keys(keys, sizeof keys, ", ");
    snprintf(why, why_size, "%.80s: unknown key; there are %s and, in function.json, so", key, keys);
    return -EINVAL;
}

int nw_manifest_set(struct nw_manifest *manifest, const char *key, const char *value, char *why, size_t why_size)
{
    unsigned i = find_key(key);
    int rc;
    if (i == KEYS)
        return unknown_key(key, why, why_size);
    if (i < NUMBER_KEYS)
        rc = set_number(manifest, &number_keys[i], value, why, why_size);
    else
        rc = text_keys[i - NUMBER_KEYS].set(manifest, value, why, why_size);
    if (rc == 0)
        manifest->named |= 1u << i;
    return rc;
}

bool nw_manifest_names(const struct nw_manifest *manifest, const char *key)
{
    return manifest->named >> find_key(key) & 1;
}

static void *field_of(const struct nw_manifest *manifest, unsigned i, size_t *width)
{
    size_t offset = i < NUMBER_KEYS ? number_keys[i].offset : text_keys[i - NUMBER_KEYS].offset;
    *width = i < NUMBER_KEYS ? number_keys[i].width : text_keys[i - NUMBER_KEYS].width;
    return (char *)manifest + offset;
}

static void reset(struct nw_manifest *manifest, unsigned i)
{
    struct nw_manifest initial;
    size_t width;
    void *field = field_of(manifest, i, &width);
    nw_manifest_init(&initial);
    if (field == &manifest->env)
        manifest->env.length = 0;
    else
        memcpy(field, field_of(&initial, i, &width), width);
}

int nw_manifest_reset(struct nw_manifest *manifest, const char *key, char *why, size_t why_size)
{
    unsigned which = find_key(key);
    bool all = !strcmp(key, "all");
    if (which == KEYS && !all)
        return unknown_key(key, why, why_size);
    for (unsigned i = 0; i < KEYS; i++)
        if ((all || i == which) && strcmp(nw_manifest_key(i), "name"))
            reset(manifest, i);
    return 0;
}

/* Every variable of one in the other, in any order. */
static bool has_env(const struct nw_buffer *env, const struct nw_buffer *other)
{
    for (size_t at = 0; at < other->length; at += strlen(other->data + at) + 1) {
        const char *variable = other->data + at;
        const char *found = env_find(env, variable, env_key_length(variable));
        if (!found || strcmp(found, variable))
            return false;
    }
    return true;
}

bool nw_manifest_agree(const struct nw_manifest *one, const struct nw_manifest *other, unsigned i)
{
    size_t width;
    const void *field = field_of(one, i, &width), *other_field = field_of(other, i, &width);
    if (field == &one->env)
        return one->env.length == other->env.length && has_env(&one->env, &other->env);
    bool number = i < NUMBER_KEYS || field == &one->profile || field == &one->fresh || field == &one->http;
    return number ? !memcmp(field, other_field, width) : !strcmp(field, other_field);
}

/* Whether the working directory is "/" or in a directory that is granted. */
static bool has_cwd(const struct nw_manifest *manifest)
{
    struct nw_directory_grant grants[NW_DIRECTORIES_MAX];
    char unused[256];
    int n = nw_grant_directories(manifest->directories, grants, unused, sizeof unused);
    bool found = !strcmp(manifest->cwd, "/");
    for (int i = 0; i < n; i++)
        found |= nw__grant_lies_in(manifest->cwd, grants[i].path);
    return found;
}

int nw_manifest_check(const struct nw_manifest *manifest, char *why, size_t why_size)
{
    const char *key = manifest->connect[0] && !(manifest->profile & NW_PROFILE_NET) ? "connect" : NULL;
    if (manifest->directories[0] && !(manifest->profile & NW_PROFILE_FILES))
        key = "directories";
    if (!key && has_cwd(manifest))
        return 0;
    if (!key)
        snprintf(why, why_size, "cwd: %.200s lies in none of the directories that are granted; add one to directories",
                 manifest->cwd);
    else
        snprintf(why, why_size, "%s: is of use with profile %s only; add that to profile, or leave %s out", key,
                 strcmp(key, "connect") ? "files" : "net", key);
    return -EINVAL;
}
