/* The sites as JSON. */
#include "deploy/callscan/show/show.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static void add_bits(cJSON *to, const char *key, uint32_t bits, const char *(*text)(unsigned))
{
    cJSON *list = cJSON_AddArrayToObject(to, key);

    for (unsigned i = 0; bits >> i; i++)
        if (bits >> i & 1)
            cJSON_AddItemToArray(list, cJSON_CreateString(text(i)));
}

static void add_names(cJSON *to, const char *key, const struct nw_site *site)
{
    cJSON *list = cJSON_AddArrayToObject(to, key);

    for (uint32_t i = 0; i < site->n_names; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(site->names[i]));
}

/* cJSON writes bytes as they are: what is no ASCII could be no UTF-8. */
static void add_text(cJSON *to, const char *key, const char *text)
{
    char clean[1100];
    size_t n = 0;

    for (const char *p = text; *p && n + 1 < sizeof clean; p++)
        clean[n++] = (unsigned char)*p < 0x80 ? *p : '?';
    clean[n] = '\0';
    cJSON_AddStringToObject(to, key, clean);
}

static cJSON *site_to_json(const struct nw_site *site)
{
    cJSON *to = cJSON_CreateObject();

    cJSON_AddStringToObject(to, "kind", nw_site_kind_text(site->kind));
    if (*site->file) {
        add_text(to, "file", site->file);
        cJSON_AddNumberToObject(to, "line", site->line);
        cJSON_AddNumberToObject(to, "column", site->column);
    }
    add_text(to, "function", site->function);
    add_names(to, "calls", site);
    cJSON_AddBoolToObject(to, "unknown", site->any_name);
    if (site->kind == NW_SITE_LEAVES)
        return to;
    add_bits(to, "input", site->input, nw_site_from_text);
    add_bits(to, "length", site->length, nw_site_length_text);
    if (site->length == NW_LENGTH(CONSTANT) || site->length == NW_LENGTH(BOUNDED))
        cJSON_AddNumberToObject(to, "length_max", (double)site->length_max);
    add_bits(to, "output", site->output, nw_site_fate_text);
    return to;
}

static cJSON *function_to_json(const struct nw_scanned *function)
{
    cJSON *to = cJSON_CreateObject(), *list;

    cJSON_AddStringToObject(to, "name", function->name);
    cJSON_AddBoolToObject(to, "whole", function->sites.whole);
    cJSON_AddBoolToObject(to, "complete", function->sites.complete);
    cJSON_AddBoolToObject(to, "known", nw_sites_are_known(&function->sites));
    list = cJSON_AddArrayToObject(to, "sites");
    for (uint32_t i = 0; i < function->sites.n_sites; i++)
        cJSON_AddItemToArray(list, site_to_json(&function->sites.sites[i]));
    return to;
}

int nw_show_json(const struct nw_scanned *functions, unsigned n)
{
    cJSON *all = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(all, "functions");
    char *text;

    for (unsigned i = 0; i < n; i++)
        cJSON_AddItemToArray(list, function_to_json(&functions[i]));
    text = cJSON_Print(all);
    cJSON_Delete(all);
    if (!text)
        return -1;
    puts(text);
    free(text);
    return 0;
}
