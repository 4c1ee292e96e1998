/* nightward check: whether files can be functions, without an engine. */
#include "deploy/file/check.h"
#include "common/manifest/manifest.h"
#include "deploy/base/say.h"
#include "deploy/cli/command.h"
#include "deploy/file/file.h"
#include "deploy/file/folder.h"
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

const struct nw_command nw__command_check = {
    .name = "check",
    .summary = "Check shared objects or folders without deploying them.",
    .arguments = "FILE.so | DIR ...",
    .examples = examples,
    .notes = notes,
    .min_arguments = 1,
    .max_arguments = INT_MAX,
    .run = run,
};
