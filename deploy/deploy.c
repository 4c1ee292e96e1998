/* nightward deploy: sends a shared object and what function.json and flags say of it. */
#include "common/manifest.h"
#include "deploy/answer.h"
#include "deploy/check.h"
#include "deploy/command.h"
#include "deploy/file.h"
#include "deploy/folder.h"
#include "deploy/say.h"
#include "deploy/state.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STATE, SLOTS, TIMEOUT, MEMORY, THREADS, PROFILE, CONNECT, DIRECTORIES, TENANT, CALLERS, ENV, JSON, N_OPTIONS };

/* Bounds and defaults of SLOTS to ENV are those of the manifest, which checks them. */
static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [SLOTS] = {.name = "slots",
               .value = "N",
               .help = "calls that may run at once in a worker, 1 to 64 [8]",
               .kind = NW_OPTION_TEXT},
    [TIMEOUT] = {.name = "timeout",
                 .value = "TIME",
                 .help = "deadline of a call, like 250ms, 1s or 2m [10s]",
                 .kind = NW_OPTION_TEXT},
    [MEMORY] = {.name = "memory", .value = "SIZE", .help = "writable memory, 16M to 4G [256M]", .kind = NW_OPTION_TEXT},
    [THREADS] = {.name = "threads",
                 .value = "N",
                 .help = "threads of its own beside its slots, 0 to 95 [32]",
                 .kind = NW_OPTION_TEXT},
    [PROFILE] = {.name = "profile",
                 .value = "PROFILE",
                 .help = "what it may ask of the kernel: compute, net, files or net,files [compute]",
                 .kind = NW_OPTION_TEXT},
    [CONNECT] = {.name = "connect",
                 .value = "LIST",
                 .help = "profile net: addresses it may reach, like 127.0.0.1:8000,10.0.0.0/8:443 [any]",
                 .kind = NW_OPTION_TEXT},
    [DIRECTORIES] = {.name = "directories",
                     .value = "LIST",
                     .help = "profile files: directories it may use, like /data:ro,/var/cache/x:rw [none]",
                     .kind = NW_OPTION_TEXT},
    [TENANT] = {.name = "tenant",
                .value = "NAME",
                .help = "whose it is: functions of two tenants never share a process [default]",
                .kind = NW_OPTION_TEXT},
    [CALLERS] = {.name = "callers",
                 .value = "NAMES",
                 .help = "other tenants whose functions may call it, like a,b; * is everybody [none]",
                 .kind = NW_OPTION_TEXT},
    [ENV] = {.name = "env",
             .value = "KEY[=VALUE]",
             .help = "a variable of its environment [value: that in this command's]",
             .kind = NW_OPTION_TEXT,
             .repeats = true},
    [JSON] = NW_OPTION_ROW_JSON,
};

/* What is given to a command can be read by everybody while it runs, what it has in its environment only by its user.
 */
static void apply_env(struct nw_manifest *manifest, const char *text)
{
    const char *value = strchr(text, '=') ? NULL : getenv(text);
    struct nw_buffer variable = {0};
    char why[512];

    if (!strchr(text, '=') && !value)
        nw_fail(NW_EXIT_USAGE, "--env: there is no such variable in the environment; give KEY=VALUE, or a KEY that is");
    if (nw_buffer_printf(&variable, "%s%s%s", text, value ? "=" : "", value ? value : "") < 0)
        nw_fail(NW_EXIT_SYSTEM, "--env: out of memory");
    if (nw_manifest_set(manifest, "env", variable.data, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "--%s", why);
    nw_buffer_fini(&variable);
}

static void apply_flags(const struct nw_settings *settings, struct nw_manifest *manifest)
{
    char why[512];

    for (size_t i = SLOTS; i < ENV; i++)
        for (int k = 0; k < settings->values[i].n; k++)
            if (nw_manifest_set(manifest, options[i].name, settings->values[i].texts[k], why, sizeof why) < 0)
                nw_fail(NW_EXIT_USAGE, "--%s", why);
    for (int k = 0; k < settings->values[ENV].n; k++)
        apply_env(manifest, settings->values[ENV].texts[k]);
    if (nw_manifest_check(manifest, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s", why);
}

static void name_and_file(const struct nw_settings *settings, struct nw_manifest *manifest, char *so_path)
{
    const char *first = settings->arguments[0];
    struct stat st;

    if (settings->n_arguments == 2) {
        nw_answer_check_name(first);
        snprintf(manifest->name, sizeof manifest->name, "%s", first);
        snprintf(so_path, PATH_MAX, "%s", settings->arguments[1]);
    } else if (stat(first, &st) == 0 && !S_ISDIR(st.st_mode)) {
        nw_fail(NW_EXIT_USAGE, "deploy: a name is missing; give nightward deploy NAME %s", first);
    } else {
        nw_folder_read(first, manifest, so_path);
    }
}

static void build_path(const struct nw_manifest *manifest, struct nw_buffer *path)
{
    const struct nw_buffer *env = &manifest->env;

    nw_buffer_printf(path,
                     "/v1/functions/%s?slots=%" PRIu32 "&timeout=%" PRIu32 "ms&memory=%" PRIu64 "&tenant=%s&callers=",
                     manifest->name, manifest->slots, manifest->timeout_ms, manifest->memory, manifest->tenant);
    nw_client_escape(path, manifest->callers);
    nw_buffer_printf(path, "&threads=%" PRIu32 "&profile=%s&connect=", manifest->threads,
                     nw_profile_text(manifest->profile));
    nw_client_escape(path, manifest->connect);
    nw_buffer_printf(path, "&directories=");
    nw_client_escape(path, manifest->directories);
    for (size_t at = 0; at < env->length; at += strlen(env->data + at) + 1) {
        nw_buffer_printf(path, "&env=");
        nw_client_escape(path, env->data + at);
    }
}

static void send_file(const char *state, const struct nw_manifest *manifest, const struct nw_buffer *file,
                      struct nw_reply *reply)
{
    struct nw_buffer path = {0};

    build_path(manifest, &path);
    struct nw_request request = {.method = "PUT", .path = path.data, .body = file->data, .body_length = file->length};
    nw_client_send(state, &request, reply);
    nw_buffer_fini(&path);
}

static void say_deployed(const struct nw_reply *reply, const char *name)
{
    cJSON *root = nw_answer_json(reply);
    char version[80];

    nw_say("deployed \"%s\", version %s", name, nw_answer_text(root, "version", version, sizeof version));
    cJSON_Delete(root);
}

static int run(struct nw_settings *settings)
{
    const char *state = nw_state_directory(settings, STATE);
    bool json = nw_setting_on(settings, JSON);
    char so_path[PATH_MAX], what[PATH_MAX + 128];
    struct nw_manifest manifest;
    struct nw_buffer file = {0};
    struct nw_reply reply;
    bool good;

    nw_manifest_init(&manifest);
    name_and_file(settings, &manifest, so_path);
    apply_flags(settings, &manifest);
    nw_file_read(so_path, &file);
    if (!file.length)
        nw_fail(NW_EXIT_REFUSED, "cannot deploy \"%s\": %s is empty", manifest.name, so_path);
    send_file(state, &manifest, &file, &reply);
    snprintf(what, sizeof what, "deploy \"%s\": %s", manifest.name, so_path);
    good = nw_answer_check(&reply, json, what);
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        say_deployed(&reply, manifest.name);
    else
        nw_check_file(so_path, &file, false);
    nw_buffer_fini(&file);
    nw_reply_fini(&reply);
    nw_manifest_fini(&manifest);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static const char *const examples[] = {
    "nightward deploy hello hello.so",
    "nightward deploy hello hello.so --slots 4 --timeout 1s --memory 64M --env GREETING=Hi",
    "nightward deploy functions/hello",
    "nightward deploy bill bill.so --tenant accounts --callers shop,support",
    NULL,
};

static const char *const notes[] = {
    "A folder holds a function.json with the same keys (name, so, slots, timeout, memory, tenant, callers, env)\n"
    "and the shared object: the file that \"so\" names, else NAME.so, else the only .so there. Flags win over the "
    "file.",
    "When a version of the function serves already, new calls go to the new one as soon as it is loaded, and what\n"
    "runs finishes on the old one. A version that is refused changes nothing.",
    NULL,
};

const struct nw_command nw_command_deploy = {
    .name = "deploy",
    .summary = "Give the host a function, or a new version of one.",
    .arguments = "NAME FILE.so | DIR",
    .examples = examples,
    .notes = notes,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};
