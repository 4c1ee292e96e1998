/* What call sites say of a function as a whole. */
#include "common/sites/sites.h"
#include <stdio.h>
#include <string.h>

static bool is_unknown(const struct nw_site *site)
{
    return site->kind != NW_SITE_CALL || site->any_name;
}

bool nw_sites_are_known(const struct nw_sites *sites)
{
    for (uint32_t i = 0; i < sites->n_sites; i++)
        if (is_unknown(&sites->sites[i]))
            return false;
    return sites->complete;
}

/* Those that are in a list, in alphabetical order: a file may name the same ones millions of times. */
struct listed {
    const char *names[NW_CALLS_TEXT / 2];
    size_t n;
};

/* The place of the first that is not before `name`. */
static size_t place_of(const struct listed *listed, const char *name)
{
    size_t from = 0, to = listed->n;

    while (from < to) {
        size_t middle = (from + to) / 2;
        if (strcmp(listed->names[middle], name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* False: there is no room for it, as some must be left for "*". */
static bool add_name(char found[NW_CALLS_TEXT], struct listed *listed, const char *name)
{
    size_t at = place_of(listed, name);

    if (at < listed->n && strcmp(listed->names[at], name) == 0)
        return true;
    if (strlen(found) + strlen(name) + sizeof ",,*" > NW_CALLS_TEXT || nw_calls_add(found, name) < 0)
        return false;
    memmove(&listed->names[at + 1], &listed->names[at], (listed->n++ - at) * sizeof *listed->names);
    listed->names[at] = name;
    return true;
}

void nw_sites_found(const struct nw_sites *sites, char found[NW_CALLS_TEXT])
{
    bool known = nw_sites_are_known(sites);
    struct listed listed = {.n = 0};

    *found = '\0';
    for (uint32_t i = 0; i < sites->n_sites; i++)
        for (uint32_t k = 0; k < sites->sites[i].n_names; k++)
            known &= add_name(found, &listed, sites->sites[i].names[k]);
    if (!known)
        nw_calls_add(found, "*");
    else if (!*found)
        nw_calls_add(found, "-");
}

/* Texts of a file that anybody may have made, as they may be shown. */
static void add_place(const struct nw_site *site, char *text, size_t size)
{
    if (*site->file)
        snprintf(text, size, "%.200s:%u", site->file, site->line);
    else
        snprintf(text, size, "in %.200s", site->function);
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void nw_sites_list_unknown(const struct nw_sites *sites, char *text, size_t size)
{
    char place[256];
    unsigned left_out = 0;
    size_t used = 0;

    *text = '\0';
    for (uint32_t i = 0; i < sites->n_sites; i++) {
        if (!is_unknown(&sites->sites[i]))
            continue;
        add_place(&sites->sites[i], place, sizeof place);
        if (left_out || used + strlen(place) + sizeof ", and 65536 more" > size)
            left_out++;
        else
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", place);
    }
    if (left_out)
        snprintf(text + used, size - used, " and %u more", left_out);
    else if (!used)
        snprintf(text, size, "where the analysis met a limit");
}
