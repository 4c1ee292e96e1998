/* The commands about versions of a function: versions shows those that are kept and how each differs from the one
 * before; rollback, traffic and alias say which of them get requests. */
#include "common/base/buffer.h"
#include "common/manifest/manifest.h"
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/ask.h"
#include "deploy/client/client.h"
#include "deploy/client/put.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

#define ROW "%-8s %-13s %-21s %-8s %s\n"

static void add(struct nw_buffer *text, const char *what)
{
    if (nw_buffer_printf(text, "%s%s", text->length ? ", " : "", what) < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot show the versions: out of memory");
}

/* Variables of the environment have their names alone in there. */
static void add_settings(struct nw_buffer *text, const cJSON *version)
{
    const cJSON *item;
    char line[1200], before[512], now[512];

    cJSON_ArrayForEach(item, cJSON_GetObjectItem(version, "changed"))
    {
        if (strcmp(item->string, "env") == 0)
            continue;
        snprintf(line, sizeof line, "%s %s -> %s", item->string, nw_answer_scalar(item, before, sizeof before),
                 nw_answer_text(version, item->string, now, sizeof now));
        add(text, line);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(version, "env_changed"))
    {
        snprintf(line, sizeof line, "env %s", nw_answer_scalar(item, now, sizeof now));
        add(text, line);
    }
}

static void show_version(const cJSON *version)
{
    const cJSON *code = cJSON_GetObjectItem(version, "code_changed");
    struct nw_buffer text = {0};
    const cJSON *alias;
    char number[32], hash[32], deployed[32], part[16], line[64];

    if (cJSON_IsTrue(code))
        add(&text, "code");
    add_settings(&text, version);
    if (!text.length)
        add(&text, cJSON_IsBool(code) ? "nothing" : "-");
    cJSON_ArrayForEach(alias, cJSON_GetObjectItem(version, "aliases"))
    {
        snprintf(line, sizeof line, "@%s", cJSON_IsString(alias) ? alias->valuestring : "");
        add(&text, line);
    }
    snprintf(part, sizeof part, "%.0f%%", cJSON_GetNumberValue(cJSON_GetObjectItem(version, "percent")));
    printf(ROW, nw_answer_text(version, "number", number, sizeof number),
           nw_answer_text(version, "version", hash, sizeof hash),
           nw_answer_text(version, "deployed", deployed, sizeof deployed), part, text.data);
    nw_buffer_fini(&text);
}

static void show(const cJSON *answer)
{
    const cJSON *version;

    printf(ROW, "NUMBER", "VERSION", "DEPLOYED", "REQUESTS", "CHANGED");
    cJSON_ArrayForEach(version, cJSON_GetObjectItem(answer, "versions")) show_version(version);
}

static int run(struct nw_settings *settings)
{
    const char *name = settings->arguments[0];
    char path[128], what[128];

    nw_answer_check_name(name);
    snprintf(path, sizeof path, "/v1/functions/%s/versions", name);
    snprintf(what, sizeof what, "show the versions of \"%s\"", name);
    return nw_ask(nw_state_find(settings, STATE), path, what, nw_setting_on(settings, JSON), show);
}

static const char *const examples[] = {"nightward versions hello", "nightward versions hello --json", NULL};

const struct nw_command nw__command_versions = {
    .name = "versions",
    .summary = "Show the versions of a function that are kept, and how they differ.",
    .arguments = "NAME",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};

/* --- rollback --- */

/* Asks for a change, and says what serves. */
static int change(struct nw_settings *settings, const char *method, const struct nw_buffer *path, const char *what,
                  const char *name, const char *done)
{
    bool json = nw_setting_on(settings, JSON), good;
    struct nw_request request = {.method = method, .path = path->data};
    struct nw_reply reply;

    nw_client_send(nw_state_find(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, what);
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good && done)
        nw_put_say_served(&reply, name, done);
    else if (good)
        nw_say("done: `nightward describe %s` shows who gets requests", name);
    nw_reply_fini(&reply);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static int roll_back(struct nw_settings *settings)
{
    const char *name = settings->arguments[0], *to = settings->n_arguments > 1 ? settings->arguments[1] : NULL;
    struct nw_buffer path = {0};
    char what[160];
    int status;

    nw_answer_check_name(name);
    nw_buffer_printf(&path, "/v1/functions/%s/rollback%s", name, to ? "?to=" : "");
    if (to)
        nw_client_escape(&path, to);
    snprintf(what, sizeof what, "roll back \"%s\"", name);
    status = change(settings, "POST", &path, what, name, "rolled back");
    nw_buffer_fini(&path);
    return status;
}

static const char *const roll_back_examples[] = {"nightward rollback hello", "nightward rollback hello v3", NULL};

static const char *const roll_back_notes[] = {
    "Without vN the newest version before the one that serves takes its place. It is loaded first, as in a deployment: "
    "when\n"
    "that fails nothing changes, and no call is lost either way. `nightward versions NAME` shows what is kept.",
    NULL,
};

const struct nw_command nw__command_rollback = {
    .name = "rollback",
    .summary = "Let a version that is kept serve again.",
    .arguments = "NAME [vN]",
    .examples = roll_back_examples,
    .notes = roll_back_notes,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = roll_back,
};

/* --- traffic and aliases --- */

/* The engine says what is wrong with all of them together, this which one is wrong. */
static void check_share(const char *share)
{
    const char *equals = strchr(share, '=');
    char none[] = "", *end = none;
    unsigned long percent = equals ? strtoul(equals + 1, &end, 10) : 100;

    end += *end == '%';
    if (*share != 'v' || *end || percent < 1 || percent > 100)
        nw_fail(NW_EXIT_USAGE, "\"%s\" is no part; give vN=PERCENT, like v3=10%%, 1 to 100, or vN alone for all",
                share);
}

/* "v3=90%", or "v3" alone for all. */
static void add_shares(struct nw_buffer *path, const struct nw_settings *settings)
{
    for (int i = 1; i < settings->n_arguments; i++) {
        const char *share = settings->arguments[i], *equals = strchr(share, '=');
        char version[32];

        check_share(share);
        snprintf(version, sizeof version, "%.*s", (int)strcspn(share, "="), share);
        nw_buffer_printf(path, "%s", i > 1 ? "&" : "?");
        nw_client_escape(path, version);
        nw_buffer_printf(path, "=");
        nw_client_escape(path, equals ? equals + 1 : "100");
    }
}

static int deal_out(struct nw_settings *settings)
{
    const char *name = settings->arguments[0];
    struct nw_buffer path = {0};
    char what[160];
    int status;

    nw_answer_check_name(name);
    nw_buffer_printf(&path, "/v1/functions/%s/traffic", name);
    add_shares(&path, settings);
    snprintf(what, sizeof what, "deal out the requests of \"%s\"", name);
    status = change(settings, settings->n_arguments > 1 ? "PUT" : "DELETE", &path, what, name, NULL);
    nw_buffer_fini(&path);
    return status;
}

static const char *const traffic_examples[] = {
    "nightward traffic hello v2=10%", "nightward traffic hello v1=50% v2=50%", "nightward traffic hello", NULL};

static const char *const traffic_notes[] = {
    "Of any 100 requests for the name each version gets just its part, nested calls included; what is not given to one "
    "goes\n"
    "to the version that serves. Without versions that gets all again, and so does the next one that is deployed or "
    "rolled\n"
    "back to.",
    NULL,
};

const struct nw_command nw__command_traffic = {
    .name = "traffic",
    .summary = "Deal out the requests of a function among its versions.",
    .arguments = "NAME [vN=PERCENT ...]",
    .examples = traffic_examples,
    .notes = traffic_notes,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 9,
    .run = deal_out,
};

static int set_alias(struct nw_settings *settings)
{
    const char *given = settings->arguments[0], *mark = strchr(given, '@');
    struct nw_buffer path = {0};
    char name[128], what[200];
    int status;

    if (!mark)
        nw_fail(NW_EXIT_USAGE, "alias: \"%s\" names no alias; give NAME@ALIAS, like hello@prod", given);
    snprintf(name, sizeof name, "%.*s", (int)(mark - given), given);
    nw_answer_check_name(name);
    if (nw_manifest_check_name(mark + 1, strlen(mark + 1)) < 0)
        nw_fail(NW_EXIT_USAGE, "alias: \"%s\" is no alias; it has 1 to 31 of A-Z a-z 0-9 . _ - and is no version",
                mark + 1);
    nw_buffer_printf(&path, "/v1/functions/%s/aliases/%s", name, mark + 1);
    add_shares(&path, settings);
    snprintf(what, sizeof what, "change the alias \"%s\"", given);
    status = change(settings, settings->n_arguments > 1 ? "PUT" : "DELETE", &path, what, name, NULL);
    nw_buffer_fini(&path);
    return status;
}

static const char *const alias_examples[] = {
    "nightward alias hello@prod v3", "nightward alias hello@prod v3=90% v4=10%", "nightward alias hello@prod", NULL};

static const char *const alias_notes[] = {
    "Requests for /function/NAME@ALIAS, and calls of NAME@ALIAS by other functions, go to that version whatever else "
    "is\n"
    "deployed. Without a version the alias is removed.",
    NULL,
};

const struct nw_command nw__command_alias = {
    .name = "alias",
    .summary = "Give versions of a function a name of their own, NAME@ALIAS.",
    .arguments = "NAME@ALIAS [vN | vN=PERCENT ...]",
    .examples = alias_examples,
    .notes = alias_notes,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 9,
    .run = set_alias,
};
