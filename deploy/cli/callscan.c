/* nightward callscan: hands its words to nightward-callscan, the one program that is linked with LLVM. */
#include "common/host/spawn.h"
#include "deploy/base/say.h"
#include "deploy/cli/command.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_JSON, OPTION_DOT, OPTIONS };

static const struct nw_option options[OPTIONS] = {
    [OPTION_JSON] = NW_OPTION_ROW_JSON,
    [OPTION_DOT] = {.name = "dot", .kind = NW_OPTION_SWITCH, .help = "print the call graph for dot(1) of Graphviz"},
};

static int run(struct nw_settings *settings)
{
    char path[PATH_MAX], **words = calloc((size_t)settings->n_arguments + OPTIONS + 3, sizeof *words);
    int n = 0, rc = nw_program_path("nightward-callscan", path, sizeof path);

    if (!words)
        nw_fail(NW_EXIT_SYSTEM, "callscan: out of memory");
    if (rc < 0)
        nw_fail(NW_EXIT_SYSTEM,
                "cannot find nightward-callscan beside this program or in ../libexec/nightward: %s; it is built where "
                "LLVM 14 is installed (make deps-callscan all)",
                strerror(-rc));
    words[n++] = path;
    for (int i = 0; i < OPTIONS; i++)
        if (nw_setting_on(settings, (size_t)i))
            words[n++] = i == OPTION_JSON ? "--json" : "--dot";
    words[n++] = "--";
    for (int i = 0; i < settings->n_arguments; i++)
        words[n++] = (char *)settings->arguments[i]; /* which exec does not change */
    execv(path, words);
    nw_fail(NW_EXIT_SYSTEM, "cannot run %s: %s", path, strerror(errno));
}

static const char *const examples[] = {
    "clang-14 -O2 -g -c -emit-llvm foo.c && nightward callscan foo.bc",
    "nightward callscan --dot compose=compose.bc,client.bc users.bc posts.bc | dot -Tsvg >calls.svg",
    NULL,
};

static const char *const notes[] = {
    "Finds the calls that functions make of others in what clang makes of their sources: bitcode, IR as text, or an\n"
    "object of clang-14 -fembed-bitcode. All files of one function belong together, with commas between; its name is\n"
    "that of the first file where none is given.",
    "A site is a \"call\" through the callback that faas_create_func_worker was given, \"maybe\" one, or the callback\n"
    "\"leaves\": it is given to code that is in none of the files. docs/callscan.md says what is found, and what is "
    "not.",
    "The status is 0 when every function was scanned, 1 when one cannot be.",
    NULL,
};

const struct nw_command nw__command_callscan = {
    .name = "callscan",
    .summary = "Find the calls of other functions in what a compiler made of a function.",
    .arguments = "[NAME=]FILE[,FILE...] ...",
    .examples = examples,
    .notes = notes,
    .options = options,
    .n_options = OPTIONS,
    .min_arguments = 1,
    .max_arguments = INT_MAX,
    .run = run,
};
