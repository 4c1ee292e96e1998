/* nightward: finds the command that was asked for and runs it. */
#include "common/base/log.h"
#include "common/base/version.h"
#include "deploy/base/say.h"
#include "deploy/cli/command.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct nw_command *const commands[] = {
    &nw__command_up,       &nw__command_deploy,   &nw__command_check,    &nw__command_callscan, &nw__command_list,
    &nw__command_describe, &nw__command_invoke,   &nw__command_logs,     &nw__command_remove,   &nw__command_status,
    &nw__command_top,      &nw__command_versions, &nw__command_rollback, &nw__command_traffic,  &nw__command_alias,
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void help(FILE *to)
{
    fputs("nightward: run functions (native shared objects) behind HTTP, each in a memory domain of its own.\n\n"
          "Examples:\n"
          "  nightward up                                   run everything, in the foreground\n"
          "  nightward deploy hello hello.so                give it a function\n"
          "  curl -d Ada http://127.0.0.1:8080/function/hello\n\n"
          "Commands:\n",
          to);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`nightward COMMAND --help` shows the flags of a command, `nightward --version` the version.\n", to);
}

static const struct nw_command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    nw_fail(NW_EXIT_USAGE, "unknown command \"%s\"; `nightward --help` shows all", name);
}

/* Sockets and files must never land where standard input, output and error are expected. */
static void fill_standard_fds(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static int is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int main(int argc, char **argv)
{
    fill_standard_fds();
    nw_log_init("nightward", NW_LOG_INFO);
    if (argc < 2) {
        help(stderr);
        return NW_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("nightward " NW_VERSION);
        return NW_EXIT_OK;
    }
    if (!is_help(argv[1]))
        return nw__command_run(find(argv[1]), argc - 2, argv + 2);
    if (argc > 2)
        nw__command_help(find(argv[2]));
    else
        help(stdout);
    return NW_EXIT_OK;
}
