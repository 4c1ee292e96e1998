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

/* False: there is no room for it, as some must be left for "*". */
static bool add_name(char found[NW_CALLS_TEXT], const char *name)
{
    return nw_calls_have(found, name) ||
           (strlen(found) + strlen(name) + sizeof ",,*" <= NW_CALLS_TEXT && nw_calls_add(found, name) == 0);
}

void nw_sites_found(const struct nw_sites *sites, char found[NW_CALLS_TEXT])
{
    bool known = nw_sites_are_known(sites);

    *found = '\0';
    for (uint32_t i = 0; i < sites->n_sites; i++)
        for (uint32_t k = 0; k < sites->sites[i].n_names; k++)
            known &= add_name(found, sites->sites[i].names[k]);
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
