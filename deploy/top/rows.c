/* See rows.h. */
#include "deploy/top/rows.h"
#include "deploy/base/say.h"
#include <cjson/cJSON.h>
#include <stdio.h>

#define ROW "%-32s %10s %9s %9s %9s %9s %6s %9s %4s\n"
#define MIB 1048576.0

static const char *time_text(double seconds, char text[32])
{
    if (seconds < 0)
        snprintf(text, 32, "-");
    else if (seconds < 0.001)
        snprintf(text, 32, "%.0fus", seconds * 1e6);
    else
        snprintf(text, 32, seconds < 1 ? "%.1fms" : "%.2fs", seconds < 1 ? seconds * 1e3 : seconds);
    return text;
}

static const char *number_text(double number, const char *format, char text[32])
{
    snprintf(text, 32, format, number);
    return text;
}

static void print_row(const struct nw_function_figures *f)
{
    char rate[32], p50[32], p99[32], errors[32], in_flight[32], cpu[32], memory[32], keys[32];
    printf(ROW, f->name, number_text(f->requests, "%.1f", rate), time_text(nw_figures_quantile(f, 0.5), p50),
           time_text(nw_figures_quantile(f, 0.99), p99), number_text(f->errors, "%.1f", errors),
           number_text(f->in_flight, "%.0f", in_flight), number_text(f->cpu * 100, "%.0f%%", cpu),
           number_text(f->memory / MIB, "%.1fM", memory), number_text(f->keys, "%.0f", keys));
}

void nw__rows_print(const struct nw_figures *figures, size_t most)
{
    printf(ROW, "FUNCTION", "RATE/s", "P50", "P99", "ERRORS/s", "IN-FLIGHT", "CPU", "MEMORY", "KEYS");
    for (size_t i = 0; i < figures->n && i < most; i++)
        print_row(&figures->functions[i]);
    if (!figures->n)
        puts("No function was called or loaded yet.");
}

static void add_time(cJSON *object, const char *key, double seconds)
{
    if (seconds < 0)
        cJSON_AddNullToObject(object, key);
    else
        cJSON_AddNumberToObject(object, key, seconds);
}

static cJSON *function_object(const struct nw_function_figures *f)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", f->name);
    cJSON_AddNumberToObject(object, "rate", f->requests);
    add_time(object, "p50", nw_figures_quantile(f, 0.5));
    add_time(object, "p99", nw_figures_quantile(f, 0.99));
    cJSON_AddNumberToObject(object, "errors", f->errors);
    cJSON_AddNumberToObject(object, "in_flight", f->in_flight);
    cJSON_AddNumberToObject(object, "cpu", f->cpu);
    cJSON_AddNumberToObject(object, "memory", f->memory);
    cJSON_AddNumberToObject(object, "keys", f->keys);
    return object;
}

void nw__rows_print_json(const struct nw_figures *figures, double seconds)
{
    cJSON *root = cJSON_CreateObject(), *list;
    cJSON_AddNumberToObject(root, "seconds", seconds);
    list = cJSON_AddArrayToObject(root, "functions");
    for (size_t i = 0; i < figures->n; i++)
        cJSON_AddItemToArray(list, function_object(&figures->functions[i]));
    char *text = cJSON_PrintUnformatted(root);
    if (!text)
        nw_fail(NW_EXIT_SYSTEM, "cannot show the functions: out of memory");
    puts(text);
    cJSON_free(text);
    cJSON_Delete(root);
}
