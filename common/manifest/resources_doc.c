/* Writes docs/reference/limits.md from resources.def. */
#include "common/manifest/resources.h"
#include <stdbool.h>
#include <string.h>

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

static const char intro[] =
    "# Limits and shares\n"
    "\n"
    "Written by `make docs/reference/limits.md` from `common/manifest/resources.def`; do not edit.\n"
    "\n"
    "What many want, each may have up to a limit. Its share is what nobody else can take. Keys of the manifest that\n"
    "change a limit are explained in [functions.md](../functions.md).\n"
    "\n"
    "| resource | owner | share | limit | counts | beyond it | lower it by | all together |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |\n";

static const char outro[] =
    "\n"
    "The last column is the room that all owners in one process have. Half of it is kept for shares, at most for 512\n"
    "domains; the rest is for those that want more than their share. A function for which no share is free is refused, "
    "and "
    "the\n"
    "message names the resource and what to raise. What a system call fails for is a line in the log, once a second.\n";

static void print_amount(FILE *to, const struct nw_resource_terms *r, uint64_t n)
{
    bool bytes = strcmp(r->unit, "bytes") == 0;

    if (n == 0)
        fputs("none", to);
    else if (bytes && n >= GIB)
        fprintf(to, "%llu GiB", (unsigned long long)(n / GIB));
    else if (bytes && n < MIB)
        fprintf(to, "%llu KiB", (unsigned long long)(n / KIB));
    else if (bytes)
        fprintf(to, "%llu MiB", (unsigned long long)(n / MIB));
    else
        fprintf(to, "%llu", (unsigned long long)n);
}

static void print_row(FILE *to, const struct nw_resource_terms *r)
{
    fprintf(to, "| %s | %s | ", r->name, r->owner);
    print_amount(to, r, r->share);
    fputs(" | ", to);
    print_amount(to, r, r->limit);
    fprintf(to, " | %s | %s%s%s | %s%s%s | %s |\n", r->unit, r->refusal ? "`" : "",
            r->refusal ? strerrorname_np(r->refusal) : "waits or is dropped", r->refusal ? "`" : "",
            r->setting[0] ? "`" : "", r->setting[0] ? r->setting : "", r->setting[0] ? "`" : "", r->room);
}

void nw_resources_document(FILE *to)
{
    fputs(intro, to);
    for (int i = 0; i < NW_RESOURCE_COUNT; i++)
        print_row(to, &nw_resources[i]);
    fputs("\n", to);
    for (int i = 0; i < NW_RESOURCE_COUNT; i++)
        fprintf(to, "* **%s**: %s\n", nw_resources[i].name, nw_resources[i].words);
    fputs(outro, to);
}
