/* nightward versions, which shows the versions of a function that are kept and how each differs from the one before;
 * and nightward rollback. */
#include "common/base/buffer.h"
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/ask.h"
#include "deploy/client/client.h"
#include <stdio.h>
#include <string.h>

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

#define ROW "%-8s %-13s %-21s %-7s %s\n"

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
    char number[32], hash[32], deployed[32];

    if (cJSON_IsTrue(code))
        add(&text, "code");
    add_settings(&text, version);
    if (!text.length)
        add(&text, cJSON_IsBool(code) ? "nothing" : "-");
    printf(ROW, nw_answer_text(version, "number", number, sizeof number),
           nw_answer_text(version, "version", hash, sizeof hash),
           nw_answer_text(version, "deployed", deployed, sizeof deployed),
           cJSON_IsTrue(cJSON_GetObjectItem(version, "serves")) ? "yes" : "-", text.data);
    nw_buffer_fini(&text);
}

static void show(const cJSON *answer)
{
    const cJSON *version;

    printf(ROW, "NUMBER", "VERSION", "DEPLOYED", "SERVES", "CHANGED");
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

static int roll_back(struct nw_settings *settings)
{
    const char *name = settings->arguments[0], *to = settings->n_arguments > 1 ? settings->arguments[1] : NULL;
    bool json = nw_setting_on(settings, JSON), good;
    struct nw_buffer path = {0};
    char what[160];
    struct nw_request request = {.method = "POST"};
    struct nw_reply reply;

    nw_answer_check_name(name);
    nw_buffer_printf(&path, "/v1/functions/%s/rollback%s", name, to ? "?to=" : "");
    if (to)
        nw_client_escape(&path, to);
    request.path = path.data;
    snprintf(what, sizeof what, "roll back \"%s\"", name);
    nw_client_send(nw_state_find(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, what);
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        nw__say_served(&reply, name, "rolled back");
    nw_reply_fini(&reply);
    nw_buffer_fini(&path);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
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
