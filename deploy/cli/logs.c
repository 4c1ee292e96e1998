/* nightward logs: the lines that a function wrote, those that are kept and, if wanted, those that come. */
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/client.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 20000 /* until the engine says that nothing has come, and is asked again */

enum { STATE, FOLLOW, SINCE, REQUEST, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [FOLLOW] = {.name = "follow",
                .letter = 'f',
                .kind = NW_OPTION_SWITCH,
                .help = "go on with lines as they come, until it is interrupted"},
    [SINCE] = {.name = "since",
               .value = "TIME",
               .kind = NW_OPTION_TIME,
               .min = 1,
               .max = UINT64_C(8760) * 3600000,
               .help = "only those of the last 5m, 2h, ..."},
    [REQUEST] = {.name = "request",
                 .value = "ID",
                 .kind = NW_OPTION_TEXT,
                 .help = "only those that were written for a request, by its X-Request-Id"},
    [JSON] = {.name = "json", .kind = NW_OPTION_SWITCH, .help = "each line as a JSON object, for programs"},
};

struct wanted {
    const char *state, *name;
    bool json, follow;
    struct nw_buffer filter; /* the part of the query that stays */
};

/* Bytes of a control character, which a terminal may obey: C0, DEL, and C1 as UTF-8 has it. */
static size_t control_length(const unsigned char *at)
{
    if (*at < 0x20 || *at == 0x7f)
        return 1;
    return *at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0 ? 2 : 0;
}

static void print_text(const char *text)
{
    size_t length;

    for (const unsigned char *at = (const unsigned char *)text; *at; at += length ? length : 1) {
        length = control_length(at);
        if (!length)
            putchar(*at);
        else if (*at == '\t' || *at == '\n')
            fputs(*at == '\t' ? "\\t" : "\\n", stdout);
        for (size_t i = 0; i < length && *at != '\t' && *at != '\n'; i++)
            printf("\\x%02x", at[i]);
    }
}

static void print_member(const cJSON *line, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(line, key);

    if (cJSON_IsNumber(item))
        printf("%.0f", item->valuedouble);
    else
        print_text(cJSON_IsString(item) && *item->valuestring ? item->valuestring : "-");
}

/* TIME FUNCTION VERSION WORKER/SLOT REQUEST STREAM: TEXT */
static void print_line(const cJSON *line)
{
    const cJSON *text = cJSON_GetObjectItem(line, "text");

    print_member(line, "time");
    putchar(' ');
    print_member(line, "function");
    putchar(' ');
    print_member(line, "version");
    putchar(' ');
    print_member(line, "worker");
    putchar('/');
    print_member(line, "slot");
    putchar(' ');
    print_member(line, "request");
    putchar(' ');
    print_member(line, "stream");
    fputs(": ", stdout);
    print_text(cJSON_IsString(text) ? text->valuestring : "");
    putchar('\n');
}

static void print_json(const cJSON *line)
{
    char *text = cJSON_PrintUnformatted(line);

    if (!text)
        nw_fail(NW_EXIT_SYSTEM, "cannot print a line: out of memory");
    puts(text);
    cJSON_free(text);
}

static void print_lines(const cJSON *root, bool json)
{
    const cJSON *line;

    cJSON_ArrayForEach(line, cJSON_GetObjectItem(root, "lines"))(json ? print_json : print_line)(line);
    if (fflush(stdout) == EOF) /* nobody reads them any more */
        exit(NW_EXIT_SYSTEM);
}

/* Prints the lines behind `after`, which is moved on. False: the engine refused. */
static bool print_page(const struct wanted *wanted, double *after, bool *more, unsigned wait)
{
    struct nw_buffer path = {0};
    struct nw_request request = {.method = "GET"};
    struct nw_reply reply;
    char what[128];
    cJSON *root = NULL;
    bool good;

    if (nw_buffer_printf(&path, "/v1/logs/%s?after=%.0f&wait=%u%s", wanted->name, *after, wait,
                         wanted->filter.data ? wanted->filter.data : "") < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot ask for lines: out of memory");
    snprintf(what, sizeof what, "show the log of \"%s\"", wanted->name);
    request.path = path.data;
    nw_client_send(wanted->state, &request, &reply);
    good = nw_answer_check(&reply, wanted->json, what);
    if (good) {
        root = nw_answer_json(&reply);
        print_lines(root, wanted->json);
        *after = cJSON_GetNumberValue(cJSON_GetObjectItem(root, "next"));
        *more = cJSON_IsTrue(cJSON_GetObjectItem(root, "more"));
    }
    cJSON_Delete(root);
    nw_reply_fini(&reply);
    nw_buffer_fini(&path);
    return good;
}

static void add_filter(struct wanted *wanted, struct nw_settings *settings)
{
    const char *request = nw_setting_text(settings, REQUEST);
    struct timespec now;

    if (nw_setting_text(settings, SINCE)) {
        clock_gettime(CLOCK_REALTIME, &now);
        if (nw_buffer_printf(&wanted->filter, "&since=%" PRIu64,
                             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 -
                                 nw_setting_number(settings, SINCE) * 1000) < 0)
            nw_fail(NW_EXIT_SYSTEM, "cannot ask for lines: out of memory");
    }
    if (!request)
        return;
    nw_buffer_append(&wanted->filter, "&request=", strlen("&request="));
    nw_client_escape(&wanted->filter, request);
    nw_buffer_append(&wanted->filter, "", 1);
}

static int run(struct nw_settings *settings)
{
    struct wanted wanted = {.state = nw_state_find(settings, STATE),
                            .name = settings->arguments[0],
                            .json = nw_setting_on(settings, JSON),
                            .follow = nw_setting_on(settings, FOLLOW)};
    double after = 0; /* a JSON number; positions have fewer digits than it keeps */
    bool more = true, good = true;

    nw_answer_check_name(wanted.name);
    add_filter(&wanted, settings);
    while (good && (more || wanted.follow))
        good = print_page(&wanted, &after, &more, wanted.follow && !more ? WAIT_MS : 0);
    nw_buffer_fini(&wanted.filter);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static const char *const examples[] = {"nightward logs hello", "nightward logs -f --since 5m hello",
                                       "nightward logs --request 5f2a9c0b1d3e4f60 --json hello", NULL};

static const char *const notes[] = {
    "A line is its time, function, version, worker and slot, request, stream, and what was written. Lines of the "
    "stream "
    "`host` are what Nightward says of the function: how many lines are lost, and why it crashed. Control characters "
    "are shown as \\n, \\t or \\x1b.",
    NULL,
};

const struct nw_command nw__command_logs = {
    .name = "logs",
    .summary = "Show the lines that a function wrote, and follow them.",
    .arguments = "NAME",
    .examples = examples,
    .notes = notes,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
