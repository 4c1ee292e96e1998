/* Running a command by its table row, and its help. */
#include "deploy/cli/command.h"
#include "deploy/base/say.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void help_option(const struct nw_option *option)
{
    char left[64];
    char letter[8] = "";

    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "%s--%s %s", letter, option->name, option->value ? option->value : "");
    printf("  %-24s %s", left, option->help);
    if (option->initial)
        printf(" [%s]", option->initial);
    printf("%s\n", option->repeats ? "; may be repeated" : "");
}

/* The variables, spelled out, for those who look for one. */
static void help_variables(const struct nw_command *command)
{
    const char *before = "\nIn the environment: ";

    for (size_t i = 0; i < command->n_options; i++) {
        if (!command->options[i].in_environment)
            continue;
        printf("%sNIGHTWARD_", before);
        for (const char *p = command->options[i].name; *p; p++)
            putchar(*p == '-' ? '_' : toupper((unsigned char)*p));
        before = ", ";
    }
    if (*before == ',')
        puts(".");
}

void nw__command_help(const struct nw_command *command)
{
    printf("%s\n\nExamples:\n", command->summary);
    for (const char *const *line = command->examples; *line; line++)
        printf("  %s\n", *line);
    printf("\nUsage: nightward %s [FLAGS]%s%s\n\nFlags:\n", command->name, *command->arguments ? " " : "",
           command->arguments);
    for (size_t i = 0; i < command->n_options; i++)
        help_option(&command->options[i]);
    printf("  %-24s %s\n", "-h, --help", "show this");
    help_variables(command);
    for (const char *const *line = command->notes; line && *line; line++)
        printf("\n%s\n", *line);
    if (command->print_notes)
        command->print_notes();
}

static void check_arguments(const struct nw_command *command, const struct nw_settings *settings)
{
    if (settings->n_arguments > command->max_arguments)
        nw_fail(NW_EXIT_USAGE, "%s: unexpected argument \"%s\"; `nightward %s --help` shows what it takes",
                command->name, settings->arguments[command->max_arguments], command->name);
    if (settings->n_arguments < command->min_arguments)
        nw_fail(NW_EXIT_USAGE, "%s: an argument is missing; give nightward %s %s", command->name, command->name,
                command->arguments);
}

int nw__command_run(const struct nw_command *command, int argc, char **argv)
{
    struct nw_settings settings;
    int status = NW_EXIT_OK;

    nw_settings_init(&settings, command->name, command->options, command->n_options, argc, argv);
    if (settings.help) {
        nw__command_help(command);
    } else {
        check_arguments(command, &settings);
        status = command->run(&settings);
    }
    nw_settings_fini(&settings);
    return status;
}
