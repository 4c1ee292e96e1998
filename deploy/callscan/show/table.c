/* The sites as a table, one a line; then for each function whether they are all. */
#include "deploy/base/say.h"
#include "deploy/callscan/show/show.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void nw__words(uint32_t bits, const char *(*text)(unsigned), const char *none, char *words, size_t size)
{
    size_t length = 0;

    snprintf(words, size, "%s", none);
    for (unsigned i = 0; bits >> i; i++)
        if (bits >> i & 1 && length < size)
            length += (size_t)snprintf(words + length, size - length, "%s%s", length ? ", " : "", text(i));
}

/* Text of a file that anybody may have made: without what steers a terminal. */
static void print_text(const char *text, int width)
{
    int length = 0;

    for (const unsigned char *p = (const unsigned char *)text; *p; p++, length++)
        putchar(*p < 0x20 || *p >= 0x7f ? '?' : *p);
    for (; length < width; length++)
        putchar(' ');
}

static void describe_callee(const struct nw_site *site, char *text, size_t size)
{
    size_t length = 0;

    *text = '\0';
    for (uint32_t i = 0; i < site->n_names && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "", site->names[i]);
    if (site->any_name && length < size)
        snprintf(text + length, size - length, "%s", site->n_names ? " or unknown" : "unknown");
}

static void describe_length(const struct nw_site *site, char *text, size_t size)
{
    const uint32_t numbers = NW_LENGTH(CONSTANT) | NW_LENGTH(BOUNDED);

    if (site->length == NW_LENGTH(CONSTANT)) {
        snprintf(text, size, "%" PRIu64, site->length_max);
        return;
    }
    nw__words(site->length, nw_site_length_text, "", text, size);
    if ((site->length & numbers) && !(site->length & ~numbers))
        snprintf(text + strlen(text), size - strlen(text), " by %" PRIu64, site->length_max);
}

static void show_site(const struct nw_scanned *function, const struct nw_site *site)
{
    char where[1200], text[4096];

    if (*site->file)
        snprintf(where, sizeof where, "%s:%u", site->file, site->line);
    else
        snprintf(where, sizeof where, "in %s", site->function);
    print_text(function->name, 15);
    putchar(' ');
    print_text(where, 31);
    printf(" %-6s ", nw_site_kind_text(site->kind));
    describe_callee(site, text, sizeof text);
    print_text(text, 15);
    if (site->kind != NW_SITE_LEAVES) {
        nw__words(site->input, nw_site_from_text, "", text, sizeof text);
        printf(" %-15s ", text);
        describe_length(site, text, sizeof text);
        printf("%-15s ", text);
        nw__words(site->output, nw_site_fate_text, "ignored", text, sizeof text);
        fputs(text, stdout);
    }
    putchar('\n');
}

void nw_show_table(const struct nw_scanned *functions, unsigned n)
{
    printf("%-15s %-31s %-6s %-15s %-15s %-15s %s\n", "FUNCTION", "SITE", "KIND", "CALLS", "INPUT", "LENGTH", "OUTPUT");
    for (unsigned i = 0; i < n; i++)
        for (uint32_t k = 0; k < functions[i].sites.n_sites; k++)
            show_site(&functions[i], &functions[i].sites.sites[k]);
    for (unsigned i = 0; i < n; i++) {
        const struct nw_sites *sites = &functions[i].sites;
        if (!sites->complete)
            nw_complain("%s: the analysis met a limit: there may be other calls", functions[i].name);
        else if (!sites->whole)
            nw_complain("%s: faas_create_func_worker and faas_func_call are not among its files: what these call is "
                        "known in part",
                        functions[i].name);
    }
}
