/* The commands of the nightward program: one table row each, in the file of the command. */
#ifndef NW_DEPLOY_CLI_COMMAND_H
#define NW_DEPLOY_CLI_COMMAND_H

#include "deploy/base/options.h"

struct nw_command {
    const char *name;
    const char *summary;
    const char *arguments;       /* what help shows behind the name; "" for none */
    const char *const *examples; /* each a line; NULL behind the last */
    const char *const *notes;    /* paragraphs below the flags; NULL behind the last, or NULL */
    void (*print_notes)(void);   /* more of them, as they are at run time; or NULL */
    const struct nw_option *options;
    size_t n_options;
    int min_arguments, max_arguments;
    int (*run)(struct nw_settings *settings); /* returns the exit status */
};

extern const struct nw_command nw__command_up;
extern const struct nw_command nw__command_deploy;
extern const struct nw_command nw__command_check;
extern const struct nw_command nw__command_callscan;
extern const struct nw_command nw__command_list;
extern const struct nw_command nw__command_describe;
extern const struct nw_command nw__command_invoke;
extern const struct nw_command nw__command_logs;
extern const struct nw_command nw__command_remove;
extern const struct nw_command nw__command_status;
extern const struct nw_command nw__command_top;
extern const struct nw_command nw__command_versions;
extern const struct nw_command nw__command_rollback;
extern const struct nw_command nw__command_traffic;
extern const struct nw_command nw__command_alias;

/* The rows of options that several commands have. */
#define NW_OPTION_ROW_STATE                                                                               \
    {                                                                                                     \
        .name = "state", .value = "DIR", .kind = NW_OPTION_TEXT, .in_environment = true, .in_file = true, \
        .help = "state directory [$XDG_STATE_HOME/nightward or ~/.local/state/nightward]"                 \
    }
#define NW_OPTION_ROW_JSON                                                               \
    {                                                                                    \
        .name = "json", .kind = NW_OPTION_SWITCH, .help = "answer in JSON, for programs" \
    }

/* Those of the commands that take over what nightcore's func_config.json names. */
#define NW_OPTION_ROW_FUNC_CONFIG                                                                                  \
    {                                                                                                              \
        .name = "func-config", .value = "FILE", .kind = NW_OPTION_TEXT, .in_environment = true, .in_file = true,   \
        .help = "deploy the functions that nightcore's func_config.json names; what is unchanged is left as it is" \
    }
#define NW_OPTION_ROW_FUNC_DIR                                                                               \
    {                                                                                                        \
        .name = "func-dir", .value = "DIR", .kind = NW_OPTION_TEXT, .in_environment = true, .in_file = true, \
        .help = "where their shared objects are: NAME.so or libNAME.so, in any case [beside --func-config]"  \
    }
#define NW_OPTION_ROW_FUNC_WORKING_DIR                                                                               \
    {                                                                                                                \
        .name = "func-working-dir", .value = "DIR", .kind = NW_OPTION_TEXT, .in_environment = true, .in_file = true, \
        .help = "the working directory of those functions, which they may read [/, and none]"                        \
    }

/* Parses the words behind the command's name and runs it. The exit status. */
int nw__command_run(const struct nw_command *command, int argc, char **argv);

/* Prints the help of a command on standard output. */
void nw__command_help(const struct nw_command *command);

#endif
