/* nightward check: whether files can be functions, without an engine. */
#include "deploy/check.h"
#include "common/manifest/manifest.h"
#include "deploy/command.h"
#include "deploy/explain.h"
#include "deploy/file.h"
#include "deploy/folder.h"
#include "deploy/say.h"
#include "protect/check/function_check.h"
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* The shared object of an argument; a folder's manifest is checked on the way. */
static void find_file(const char *argument, char *so_path)
{
    struct nw_manifest manifest;
    struct stat st;

    if (stat(argument, &st) < 0 || !S_ISDIR(st.st_mode)) {
        snprintf(so_path, PATH_MAX, "%s", argument);
        return;
    }
    nw_manifest_init(&manifest);
    nw_folder_read(argument, &manifest, so_path);
    nw_manifest_fini(&manifest);
}

bool nw_check_file(const char *path, const struct nw_buffer *file, bool say_why)
{
    const uint8_t *bytes = (const uint8_t *)(file->data ? file->data : "");
    char why[NW_FUNCTION_WHY_SIZE], text[600];
    struct nw_scan_hit site;

    if (nw_function_check_site(bytes, file->length, why, sizeof why, &site) == 0)
        return true;
    if (say_why)
        nw_complain("%s: %s", path, why);
    if (site.length > 0) {
        nw_explain(bytes, file->length, &site, text, sizeof text);
        nw_complain("%s: %s", path, text);
    }
    return false;
}

static int run(struct nw_settings *settings)
{
    int status = NW_EXIT_OK;

    for (int i = 0; i < settings->n_arguments; i++) {
        struct nw_buffer file = {0};
        char so_path[PATH_MAX];

        find_file(settings->arguments[i], so_path);
        nw_file_read(so_path, &file);
        if (nw_check_file(so_path, &file, true))
            nw_say("%s: good", so_path);
        else
            status = NW_EXIT_REFUSED;
        nw_buffer_fini(&file);
    }
    return status;
}

static const char *const examples[] = {
    "nightward check hello.so",
    "nightward check functions/*",
    NULL,
};

static const char *const notes[] = {
    "It needs no host. Each file is checked as at its deployment: that it is a shared object for this machine which\n"
    "exports the worker interface, and that no byte of its code could begin an instruction that changes the rights\n"
    "of a function. Of a folder, function.json is checked as well.",
    "The status is 0 when all are good, 1 when one is not, 2 when a function.json is wrong. Libraries that a file\n"
    "needs, and what it does when it is loaded, show at its deployment.",
    NULL,
};

const struct nw_command nw_command_check = {
    .name = "check",
    .summary = "Check shared objects or folders without deploying them.",
    .arguments = "FILE.so | DIR ...",
    .examples = examples,
    .notes = notes,
    .min_arguments = 1,
    .max_arguments = INT_MAX,
    .run = run,
};
