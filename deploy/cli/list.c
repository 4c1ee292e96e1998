/* nightward list: what is deployed. */
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/ask.h"
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

static void print_table(const cJSON *answer)
{
    const cJSON *functions = cJSON_GetObjectItem(answer, "functions");
    const cJSON *function;

    if (cJSON_GetArraySize(functions) == 0)
        puts("Nothing is deployed; `nightward deploy NAME FILE.so` does.");
    else
        printf(ROW, "NAME", "TENANT", "WORKERS", "VERSION", "SLOTS", "TIMEOUT", "MEMORY", "USED", "PEAK", "PROFILE",
               "STATE");
    cJSON_ArrayForEach(function, functions) print_row(function);
}

static int run(struct nw_settings *settings)
{
    return nw_ask(nw_state_find(settings, STATE), "/v1/functions", "list the functions", nw_setting_on(settings, JSON),
                  print_table);
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
