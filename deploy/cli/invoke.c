/* nightward invoke: calls a function over the admin socket. */
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/base64.h"
#include "deploy/file/file.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE, DATA, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [DATA] = {.name = "data",
              .letter = 'd',
              .value = "DATA",
              .help = "the input: text, @FILE, or - for standard input [nothing]",
              .kind = NW_OPTION_ANY},
    [JSON] = NW_OPTION_ROW_JSON,
};

static void read_input(const char *data, struct nw_buffer *input)
{
    if (!data)
        return;
    if (strcmp(data, "-") == 0)
        nw_file_read_stdin(input);
    else if (*data == '@')
        nw_file_read(data + 1, input);
    else if (nw_buffer_append(input, data, strlen(data)) < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot send the input: %s", strerror(ENOMEM));
}

/* Bytes that are no text travel in base64. */
static void print_json(const char *name, const struct nw_reply *reply)
{
    const struct nw_buffer *body = &reply->body;
    bool text = nw_is_text(body->data, body->length);
    char *encoded = text ? strndup(body->data ? body->data : "", body->length) : nw_base64(body->data, body->length);
    cJSON *root = cJSON_CreateObject();
    char *line;

    cJSON_AddStringToObject(root, "function", name);
    cJSON_AddStringToObject(root, "request_id", reply->request_id);
    cJSON_AddNumberToObject(root, "length", (double)body->length);
    cJSON_AddStringToObject(root, text ? "output" : "output_base64", encoded ? encoded : "");
    line = cJSON_PrintUnformatted(root);
    if (!encoded || !line)
        nw_fail(NW_EXIT_SYSTEM, "cannot print the output: %s", strerror(ENOMEM));
    nw_answer_write(line, strlen(line));
    nw_answer_write("\n", 1);
    cJSON_free(line);
    cJSON_Delete(root);
    free(encoded);
}

/* NAME, or NAME@ALIAS. */
static void check_name(const char *given)
{
    const char *mark = strchr(given, '@');
    char name[128];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(given, "@"), given);
    nw_answer_check_name(name);
    if (mark)
        nw_answer_check_name(mark + 1);
}

static int run(struct nw_settings *settings)
{
    const char *name = settings->arguments[0];
    bool json = nw_setting_on(settings, JSON);
    char path[128], what[128];
    struct nw_buffer input = {0};
    struct nw_reply reply;
    bool good;

    check_name(name);
    snprintf(path, sizeof path, "/v1/invoke/%s", name);
    snprintf(what, sizeof what, "invoke \"%s\"", name);
    read_input(nw_setting_text(settings, DATA), &input);
    struct nw_request request = {
        .method = "POST", .path = path, .body = input.data ? input.data : "", .body_length = input.length};
    nw_client_send(nw_state_find(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, what);
    if (good && json)
        print_json(name, &reply);
    else if (good)
        nw_answer_write(reply.body.data, reply.body.length);
    nw_reply_fini(&reply);
    nw_buffer_fini(&input);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static const char *const examples[] = {
    "nightward invoke hello -d Ada",
    "nightward invoke digest -d @photo.jpg",
    "echo Ada | nightward invoke hello -d -",
    NULL,
};

const struct nw_command nw__command_invoke = {
    .name = "invoke",
    .summary = "Call a function and print its output.",
    .arguments = "NAME",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
