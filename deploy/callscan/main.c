/* nightward-callscan, which `nightward callscan` runs: finds the calls that functions make in what clang makes of them.
 */
#include "common/base/log.h"
#include "common/manifest/manifest.h"
#include "deploy/base/options.h"
#include "deploy/base/say.h"
#include "deploy/callscan/show/show.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_JSON, OPTION_DOT, OPTIONS };

static const struct nw_option options[OPTIONS] = {
    [OPTION_JSON] = {.name = "json", .kind = NW_OPTION_SWITCH, .help = "answer in JSON"},
    [OPTION_DOT] = {.name = "dot", .kind = NW_OPTION_SWITCH, .help = "print a graph"},
};

/* The name of a file without its folder and what is behind the first dot. */
static size_t base_name(const char *path, const char **base)
{
    const char *slash = strrchr(path, '/');

    *base = slash ? slash + 1 : path;
    return strcspn(*base, ".,");
}

/* [NAME=]FILE[,FILE...] */
static void read_argument(const char *text, struct nw_scanned *scanned)
{
    char *argument = strdup(text), *files = argument ? strchr(argument, '=') : NULL, *file;
    const char *name = argument;
    size_t length;

    if (!argument)
        nw_fail(NW_EXIT_SYSTEM, "callscan: out of memory");
    scanned->argument = argument;
    length = files ? (size_t)(files - argument) : base_name(argument, &name);
    files = files ? files + 1 : argument;
    if (nw_manifest_check_name(name, length) < 0)
        nw_fail(NW_EXIT_USAGE, "callscan: \"%.*s\" is no name of a function; give NAME=%s", (int)length, name, files);
    memcpy(scanned->name, name, length);
    while ((file = strsep(&files, ",")) != NULL) {
        if (scanned->n_files == NW_SCAN_FILES_MAX)
            nw_fail(NW_EXIT_USAGE, "callscan: %s has more than %d files", scanned->name, NW_SCAN_FILES_MAX);
        scanned->files[scanned->n_files++] = file;
    }
}

static int show(const struct nw_settings *settings, const struct nw_scanned *functions, unsigned n)
{
    if (nw_setting_on(settings, OPTION_JSON))
        return nw_show_json(functions, n);
    if (nw_setting_on(settings, OPTION_DOT))
        nw_show_dot(functions, n);
    else
        nw_show_table(functions, n);
    return 0;
}

int main(int argc, char **argv)
{
    int status = NW_EXIT_OK;
    unsigned n = 0;
    struct nw_settings settings;
    struct nw_scanned *functions;
    char why[NW_SCAN_WHY_SIZE];

    nw_log_init("nightward", NW_LOG_INFO);
    nw_settings_init(&settings, "callscan", options, OPTIONS, argc - 1, argv + 1);
    functions = calloc((size_t)settings.n_arguments + 1, sizeof *functions);
    if (!functions)
        nw_fail(NW_EXIT_SYSTEM, "callscan: out of memory");
    for (int i = 0; i < settings.n_arguments; i++) {
        read_argument(settings.arguments[i], &functions[n]);
        if (nw_scan(&functions[n], why, sizeof why) == 0) {
            n++;
        } else {
            nw_complain("cannot scan %s: %s", functions[n].name, why);
            free(functions[n].argument);
            functions[n] = (struct nw_scanned){0};
            status = NW_EXIT_REFUSED;
        }
    }
    if (show(&settings, functions, n) < 0)
        status = NW_EXIT_SYSTEM;
    for (unsigned i = 0; i < n; i++) {
        nw_sites_fini(&functions[i].sites);
        free(functions[i].argument);
    }
    free(functions);
    nw_settings_fini(&settings);
    return status;
}
