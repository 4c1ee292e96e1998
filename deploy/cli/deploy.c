/* nightward deploy: sends a shared object and what function.json and flags say of it. */
#include "common/manifest/manifest.h"
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/put.h"
#include "deploy/file/check.h"
#include "deploy/file/file.h"
#include "deploy/file/folder.h"
#include "deploy/import/import.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    STATE,
    SLOTS,
    TIMEOUT,
    MEMORY,
    DISK,
    THREADS,
    QUEUE,
    WEIGHT,
    CPU_LIMIT,
    WARM,
    IDLE,
    STATIC_TLS,
    PROFILE,
    CONNECT,
    DIRECTORIES,
    CWD,
    TENANT,
    CALLERS,
    CALLS,
    HTTP,
    CORS,
    ENV,
    RESET,
    TRAFFIC,
    FRESH,
    FUNC_CONFIG,
    FUNC_DIR,
    FUNC_WORKING_DIR,
    JSON,
    N_OPTIONS
};

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
    [DISK] = {.name = "disk",
              .value = "SIZE",
              .help = "profile files: bytes it may use in its directories, 0 to 16T [1G]",
              .kind = NW_OPTION_TEXT},
    [THREADS] = {.name = "threads",
                 .value = "N",
                 .help = "threads of its own beside its slots, 0 to 95 [32]",
                 .kind = NW_OPTION_TEXT},
    [QUEUE] = {.name = "queue",
               .value = "N",
               .help = "requests that may wait for it, 1 to 65536; more are refused with 429 [1000]",
               .kind = NW_OPTION_TEXT},
    [WEIGHT] = {.name = "weight",
                .value = "N",
                .help = "its part of a worker's time over that of others that compute for long, 1 to 10000 [100]",
                .kind = NW_OPTION_TEXT},
    [CPU_LIMIT] = {.name = "cpu-limit",
                   .value = "PERCENT",
                   .help = "most that it may use in a worker, in per cent of a processor, like 50% [no limit]",
                   .kind = NW_OPTION_TEXT},
    [WARM] = {.name = "warm",
              .value = "N",
              .help = "replicas that stay loaded although nobody calls, 0 to 64 [0]",
              .kind = NW_OPTION_TEXT},
    [IDLE] = {.name = "idle",
              .value = "TIME",
              .help = "unloaded when nobody has called it for so long, 2s to 720h [that of nightward up]",
              .kind = NW_OPTION_TEXT},
    [STATIC_TLS] = {.name = "static-tls",
                    .value = "SIZE",
                    .help = "room for thread-local variables of its libraries, 0 to 256K [512]",
                    .kind = NW_OPTION_TEXT},
    [PROFILE] = {.name = "profile",
                 .value = "PROFILE",
                 .help = "system calls it may make: compute, net, files or net,files [compute]",
                 .kind = NW_OPTION_TEXT},
    [CONNECT] = {.name = "connect",
                 .value = "LIST",
                 .help = "profile net: addresses it may connect to, like 127.0.0.1:8000,example.com:443 [any]",
                 .kind = NW_OPTION_TEXT},
    [DIRECTORIES] = {.name = "directories",
                     .value = "LIST",
                     .help = "profile files: directories it may use, like /data:ro,/var/cache/x:rw [none]",
                     .kind = NW_OPTION_TEXT},
    [CWD] = {.name = "cwd",
             .value = "DIR",
             .help = "its working directory: / or in one of its directories [/]",
             .kind = NW_OPTION_TEXT},
    [TENANT] = {.name = "tenant",
                .value = "NAME",
                .help = "its owner: functions of two tenants never share a process [default]",
                .kind = NW_OPTION_TEXT},
    [CALLERS] = {.name = "callers",
                 .value = "NAMES",
                 .help = "other tenants whose functions may call it, like a,b; * is everybody [none]",
                 .kind = NW_OPTION_TEXT},
    [CALLS] = {.name = "calls",
               .value = "LIST",
               .help = "functions that it may call, like a,b; none; scan: those that a compiler found in it [any]",
               .kind = NW_OPTION_TEXT},
    [HTTP] = {.name = "http",
              .value = "true|false",
              .help = "whether it sees its requests as HTTP [true when its file names a function for that]",
              .kind = NW_OPTION_TEXT},
    [CORS] = {.name = "cors",
              .value = "LIST",
              .help = "origins whose pages may call it from a browser, like https://example.com; * is all [none]",
              .kind = NW_OPTION_TEXT},
    [ENV] = {.name = "env",
             .value = "KEY[=VALUE]",
             .help = "a variable of its environment [value: that in this command's]",
             .kind = NW_OPTION_TEXT,
             .repeats = true},
    [RESET] = {.name = "reset",
               .value = "KEY",
               .help = "gives a setting its default again; \"all\" for every one",
               .kind = NW_OPTION_TEXT,
               .repeats = true},
    [TRAFFIC] = {.name = "traffic",
                 .value = "PERCENT",
                 .help =
                     "part of the requests that the new version gets, like 10%; the one that serves has the rest [all]",
                 .kind = NW_OPTION_TEXT},
    [FRESH] = {.name = "fresh",
               .help = "each call finds its memory as it was when it was loaded, and runs alone in its domain",
               .kind = NW_OPTION_SWITCH},
    [FUNC_CONFIG] = NW_OPTION_ROW_FUNC_CONFIG,
    [FUNC_DIR] = NW_OPTION_ROW_FUNC_DIR,
    [FUNC_WORKING_DIR] = NW_OPTION_ROW_FUNC_WORKING_DIR,
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

static void check_reset(const char *key)
{
    struct nw_manifest manifest;
    char why[512];

    nw_manifest_init(&manifest);
    if (nw_manifest_reset(&manifest, key, why, sizeof why) < 0 || strcmp(key, "name") == 0)
        nw_fail(NW_EXIT_USAGE, "--reset %s", strcmp(key, "name") ? why : "name: a function has no other");
}

static void apply_flags(const struct nw_settings *settings, struct nw_manifest *manifest)
{
    char why[512];

    for (size_t i = SLOTS; i < ENV; i++)
        for (int k = 0; k < settings->values[i].n; k++)
            if (nw_manifest_set(manifest, options[i].name, settings->values[i].texts[k], why, sizeof why) < 0)
                nw_fail(NW_EXIT_USAGE, "--%s", why);
    if (nw_setting_on(settings, FRESH))
        nw_manifest_set(manifest, "fresh", "true", why, sizeof why);
    for (int k = 0; k < settings->values[ENV].n; k++)
        apply_env(manifest, settings->values[ENV].texts[k]);
    for (int k = 0; k < settings->values[RESET].n; k++)
        check_reset(settings->values[RESET].texts[k]);
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

static void adjust(void *arg, struct nw_manifest *manifest)
{
    apply_flags(arg, manifest);
}

static int import(struct nw_settings *settings)
{
    const struct nw_import plan = {.file = nw_setting_text(settings, FUNC_CONFIG),
                                   .dir = nw_setting_text(settings, FUNC_DIR),
                                   .working_dir = nw_setting_text(settings, FUNC_WORKING_DIR)};

    if (settings->values[RESET].n || settings->values[TRAFFIC].n)
        nw_fail(NW_EXIT_USAGE, "--func-config: --reset and --traffic are for one function");
    return nw_import_deploy(&plan, nw_state_find(settings, STATE), nw_setting_on(settings, JSON), adjust, settings);
}

static int run_one(struct nw_settings *settings)
{
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
    nw_put_decide_http(&manifest, &file);
    const struct nw_put put = {.manifest = &manifest,
                               .file = &file,
                               .resets = settings->values[RESET].texts,
                               .n_resets = settings->values[RESET].n,
                               .traffic = nw_setting_text(settings, TRAFFIC)};
    nw_put_send(nw_state_find(settings, STATE), &put, &reply);
    snprintf(what, sizeof what, "deploy \"%s\": %s", manifest.name, so_path);
    good = nw_answer_check(&reply, json, what);
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        nw_put_say_served(&reply, manifest.name, "deployed");
    else
        nw_check_file(so_path, &file, false);
    nw_buffer_fini(&file);
    nw_reply_fini(&reply);
    nw_manifest_fini(&manifest);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static int run(struct nw_settings *settings)
{
    bool whole = settings->values[FUNC_CONFIG].source == NW_SOURCE_FLAG;

    if (whole == (settings->n_arguments > 0))
        nw_fail(NW_EXIT_USAGE, "deploy: give nightward deploy %s", nw__command_deploy.arguments);
    return whole ? import(settings) : run_one(settings);
}

static const char *const examples[] = {
    "nightward deploy hello hello.so",
    "nightward deploy hello hello.so --slots 4 --timeout 1s --memory 64M --env GREETING=Hi",
    "nightward deploy build/functions/hello",
    "nightward deploy hello hello.so --memory 128M --reset env",
    "nightward deploy bill bill.so --tenant accounts --callers shop,support",
    "nightward deploy --func-config nightcore/func_config.json",
    NULL,
};

static void print_notes(void)
{
    char keys[256];

    nw_manifest_list_keys(keys, sizeof keys, ", ");
    printf(
        "\nA folder holds a function.json with the same keys (%s, so)\n"
        "and the shared object: the file that \"so\" names, else NAME.so, else the only .so there. Flags win over the "
        "file.\n"
        "\nWhen a version of the function serves already, new calls go to the new one as soon as it is loaded, and "
        "what\n"
        "runs finishes on the old one. A version that is refused changes nothing. Settings that neither flags nor\n"
        "function.json name stay as they are deployed; --reset gives them their defaults.\n",
        keys);
}

const struct nw_command nw__command_deploy = {
    .name = "deploy",
    .summary = "Deploy a function, or a new version of one.",
    .arguments = "NAME FILE.so | DIR | --func-config FILE",
    .examples = examples,
    .print_notes = print_notes,
    .options = options,
    .n_options = N_OPTIONS,
    .max_arguments = 2,
    .run = run,
};
