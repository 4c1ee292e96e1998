/*
 * The options of a command, declared once in a table: from it come the flag --NAME, the variable NIGHTWARD_NAME, the
 * key of the configuration file, the default, the bounds and the help. A flag wins over the environment, that over the
 * file, that over the default.
 *
 * Everything here ends the process with status 2 when the user's words are wrong, naming the flag, the variable, or
 * the file with line and key.
 */
#ifndef NW_DEPLOY_BASE_OPTIONS_H
#define NW_DEPLOY_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nw_option_kind {
    NW_OPTION_SWITCH,     /* no value */
    NW_OPTION_TEXT,       /* not empty */
    NW_OPTION_ANY,        /* text, also empty */
    NW_OPTION_COUNT,      /* a number from min to max */
    NW_OPTION_SPAN,       /* MIN..MAX, two numbers from min to max, or one that is both */
    NW_OPTION_BYTES,      /* the same with K, M or G behind it */
    NW_OPTION_TIME,       /* a number with ms, s, m or h behind it */
    NW_OPTION_MODE,       /* enum nw_mode by name */
    NW_OPTION_IO,         /* auto, uring or uv */
    NW_OPTION_SNAPSHOT,   /* off or auto */
    NW_OPTION_POLICY,     /* of turns in a worker */
    NW_OPTION_LOG_FORMAT, /* enum nw_log_format by name */
    NW_OPTION_CPUS,       /* a list of CPUs of this machine */
    NW_OPTION_USERS,      /* FIRST-LAST, ids of users */
    NW_OPTION_ADDRESS,    /* IPv4:PORT or [IPv6]:PORT */
};

/* From weakest to strongest. */
enum nw_source { NW_SOURCE_NONE, NW_SOURCE_DEFAULT, NW_SOURCE_FILE, NW_SOURCE_ENVIRONMENT, NW_SOURCE_FLAG };

struct nw_option {
    const char *name;
    const char *value;   /* what help calls the value; NULL for a switch */
    const char *initial; /* default as text; NULL for none, or for one that is set at run time */
    const char *help;
    enum nw_option_kind kind;
    char letter;         /* a short form -X, or 0 */
    bool repeats;        /* collects every value; the variable takes several with commas between */
    bool in_environment; /* may come from NIGHTWARD_NAME */
    bool in_file;        /* may come from the configuration file */
    uint64_t min, max;   /* for COUNT, SPAN and BYTES, and for TIME in ms */
};

struct nw_setting {
    char **texts; /* n of them */
    int n;
    enum nw_source source;
};

struct nw_settings {
    const struct nw_option *options;
    size_t n_options;
    struct nw_setting *values; /* one for each option */
    const char **arguments;    /* what is not a flag; points into argv */
    int n_arguments;
    bool help; /* --help or -h was among the flags; the rest was not read */
};

/* Reads flags and environment, then fills in defaults. `command` names the command in messages. */
void nw_settings_init(struct nw_settings *settings, const char *command, const struct nw_option *options,
                      size_t n_options, int argc, char **argv);
void nw_settings_fini(struct nw_settings *settings);

/* Adds what a configuration file of `key = value` lines says; # begins a comment. 111 when it cannot be read. */
void nw_settings_read_file(struct nw_settings *settings, const char *path);

/* A default that is only known at run time. */
void nw_settings_default(struct nw_settings *settings, size_t option, const char *text);

/* The last value of an option as text (NULL when unset), as number, size or ms, both numbers of a span, or whether a
 * switch is on. */
const char *nw_setting_text(const struct nw_settings *settings, size_t option);
uint64_t nw_setting_number(const struct nw_settings *settings, size_t option);
void nw_setting_span(const struct nw_settings *settings, size_t option, uint64_t *least, uint64_t *most);
bool nw_setting_on(const struct nw_settings *settings, size_t option);

/* Prints the settings that a configuration file may hold, as such a file, each with its source. */
void nw_settings_print(const struct nw_settings *settings);

#endif
