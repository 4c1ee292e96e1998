/* nightward status: how the host is. */
#include "deploy/answer.h"
#include "deploy/command.h"
#include "deploy/say.h"
#include "deploy/state.h"
#include <stdio.h>

#define MAX_DEPTH 8

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

/* Values with commas between, those of an object with their names. */
static void print_inline(const cJSON *item, int depth)
{
    const cJSON *child;
    char text[256];

    if (cJSON_IsBool(item))
        printf("%s", cJSON_IsTrue(item) ? "yes" : "no");
    else if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
        printf("%s", nw_answer_scalar(item, text, sizeof text));
    else if (depth < MAX_DEPTH)
        cJSON_ArrayForEach(child, item)
        {
            printf("%s%s%s", child->prev && child != item->child ? ", " : "", child->string ? child->string : "",
                   child->string ? " " : "");
            print_inline(child, depth + 1);
        }
}

static void print_line(const char *key, const cJSON *value)
{
    printf("%-16s ", key);
    print_inline(value, 0);
    putchar('\n');
}

/* Whatever the engine tells, so that what it learns to tell is shown too: a line for each value of its answer, and for
 * each object of a list. */
static void print_member(const cJSON *member)
{
    const cJSON *child;

    if (!cJSON_IsObject(member->child)) {
        print_line(member->string, member);
        return;
    }
    cJSON_ArrayForEach(child, member) print_line(member->string, child);
}

static void print_status(const struct nw_reply *reply)
{
    cJSON *root = nw_answer_json(reply);
    const cJSON *child;

    cJSON_ArrayForEach(child, root) print_member(child);
    cJSON_Delete(root);
}

static int run(struct nw_settings *settings)
{
    struct nw_request request = {.method = "GET", .path = "/v1/status"};
    bool json = nw_setting_on(settings, JSON);
    struct nw_reply reply;
    bool good;

    nw_client_send(nw_state_find(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, "get the status");
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        print_status(&reply);
    nw_reply_fini(&reply);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static const char *const examples[] = {"nightward status", "nightward status --json", NULL};

const struct nw_command nw_command_status = {
    .name = "status",
    .summary = "Show how the host is: addresses, workers, counters.",
    .arguments = "",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .run = run,
};
