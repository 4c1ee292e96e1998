/* nightward list: what is deployed. */
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/client.h"
#include <stdio.h>

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

#define ROW "%-24s %-12s %-8s %-14s %-6s %-8s %-7s %-7s %-7s %-9s %s\n"
#define MIB 1048576

/* The numbers of the workers that serve it, as `nightward status` has them. */
static const char *workers_of(const cJSON *function, char *text, size_t size)
{
    const cJSON *workers = cJSON_GetObjectItem(function, "workers");
    const cJSON *worker;
    size_t used = (size_t)snprintf(text, size, "%s", cJSON_GetArraySize(workers) ? "" : "-");

    cJSON_ArrayForEach(worker, workers) if (used < size) used +=
        (size_t)snprintf(text + used, size - used, "%s%.0f", used ? "," : "", cJSON_GetNumberValue(worker));
    return text;
}

/* Of the memory that it holds, in MiB. */
static const char *megabytes(const cJSON *function, const char *key, char *text, size_t size)
{
    const cJSON *bytes = cJSON_GetObjectItem(cJSON_GetObjectItem(function, "holds"), key);

    if (cJSON_IsNumber(bytes) && cJSON_GetNumberValue(bytes) > 0)
        snprintf(text, size, "%.1fM", cJSON_GetNumberValue(bytes) / MIB);
    else
        snprintf(text, size, "-");
    return text;
}

static void print_row(const cJSON *function)
{
    const cJSON *reason = cJSON_GetObjectItem(function, "reason");
    char name[80], tenant[80], workers[32], version[80], slots[16], timeout[16], memory[16], used[16], peak[16],
        profile[16], state[32], text[1024];

    printf(ROW, nw_answer_text(function, "name", name, sizeof name),
           nw_answer_text(function, "tenant", tenant, sizeof tenant), workers_of(function, workers, sizeof workers),
           nw_answer_text(function, "version", version, sizeof version),
           nw_answer_text(function, "slots", slots, sizeof slots),
           nw_answer_text(function, "timeout", timeout, sizeof timeout),
           nw_answer_text(function, "memory", memory, sizeof memory), megabytes(function, "memory", used, sizeof used),
           megabytes(function, "memory peak", peak, sizeof peak),
           nw_answer_text(function, "profile", profile, sizeof profile),
           nw_answer_text(function, "state", state, sizeof state));
    if (reason)
        printf("  %s\n", nw_answer_scalar(reason, text, sizeof text));
}

/* --- pages --- */

static unsigned long printed; /* functions so far */

static void print_rows(const cJSON *functions)
{
    const cJSON *function;

    cJSON_ArrayForEach(function, functions)
    {
        if (!printed++)
            printf(ROW, "NAME", "TENANT", "WORKERS", "VERSION", "SLOTS", "TIMEOUT", "MEMORY", "USED", "PEAK", "PROFILE",
                   "STATE");
        print_row(function);
    }
}

static void print_json(const cJSON *functions)
{
    const cJSON *function;

    cJSON_ArrayForEach(function, functions)
    {
        char *text = cJSON_PrintUnformatted(function);

        if (!text)
            nw_fail(NW_EXIT_SYSTEM, "cannot list the functions: out of memory");
        printf("%s%s", printed++ ? "," : "{\"functions\":[", text);
        cJSON_free(text);
    }
}

static void print_end(bool json)
{
    if (json)
        printf("%s],\"total\":%lu}\n", printed ? "" : "{\"functions\":[", printed);
    else if (!printed)
        puts("Nothing is deployed; `nightward deploy NAME FILE.so` does.");
}

/* Prints the functions behind `after`, which then is what the next page comes behind; "" when there is none. False:
 * the engine refused. */
static bool print_page(const char *state, char *after, size_t size, bool json)
{
    char path[160];
    struct nw_request request = {.method = "GET", .path = path};
    struct nw_reply reply;
    const cJSON *next;
    cJSON *root;

    snprintf(path, sizeof path, "/v1/functions?limit=200&after=%s", after);
    nw_client_send(state, &request, &reply);
    if (!nw_answer_check(&reply, json, "list the functions")) {
        nw_reply_fini(&reply);
        return false;
    }
    root = nw_answer_json(&reply);
    (json ? print_json : print_rows)(cJSON_GetObjectItem(root, "functions"));
    next = cJSON_GetObjectItem(root, "next");
    snprintf(after, size, "%s", cJSON_IsString(next) ? next->valuestring : "");
    cJSON_Delete(root);
    nw_reply_fini(&reply);
    return true;
}

static int run(struct nw_settings *settings)
{
    const char *state = nw_state_find(settings, STATE);
    bool json = nw_setting_on(settings, JSON);
    char after[80] = "";

    do {
        if (!print_page(state, after, sizeof after, json))
            return NW_EXIT_REFUSED;
    } while (*after);
    print_end(json);
    return NW_EXIT_OK;
}

static const char *const examples[] = {"nightward list", "nightward list --json", NULL};

const struct nw_command nw__command_list = {
    .name = "list",
    .summary = "Show what is deployed.",
    .arguments = "",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .run = run,
};
