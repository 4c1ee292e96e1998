/* Reads the options of a command from flags, environment and file. Not responsible for what a value may look like. */
#include "deploy/base/options.h"
#include "deploy/base/option_value.h"
#include "deploy/base/say.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_SIZE 512

static void *must(void *memory)
{
    if (!memory)
        nw_fail(NW_EXIT_SYSTEM, "cannot read the command line: %s", strerror(ENOMEM));
    return memory;
}

static void clear(struct nw_setting *setting)
{
    for (int i = 0; i < setting->n; i++)
        free(setting->texts[i]);
    free(setting->texts);
    setting->texts = NULL;
    setting->n = 0;
}

/* Offers a value. Where a stronger source already spoke it is only checked. 0, or -EINVAL with `why` for people. */
static int offer(struct nw_settings *settings, size_t option, const char *text, enum nw_source source, char *why,
                 size_t why_size)
{
    struct nw_setting *setting = &settings->values[option];
    int rc = nw__option_check(&settings->options[option], text, why, why_size);

    if (rc < 0 || setting->source > source)
        return rc;
    if (setting->source < source || !settings->options[option].repeats)
        clear(setting);
    setting->source = source;
    setting->texts = must(realloc(setting->texts, ((size_t)setting->n + 1) * sizeof *setting->texts));
    setting->texts[setting->n++] = must(strdup(text));
    return 0;
}

void nw_settings_default(struct nw_settings *settings, size_t option, const char *text)
{
    char why[WHY_SIZE];

    if (offer(settings, option, text, NW_SOURCE_DEFAULT, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "--%s: the default does not do: %s", settings->options[option].name, why);
}

/* ---- flags ---- */

struct reader {
    struct nw_settings *settings;
    const char *command;
    char **argv; /* what is left to read */
    int argc;
};

static size_t find(const struct nw_settings *settings, const char *name, size_t length)
{
    size_t i = 0;

    while (i < settings->n_options &&
           (strlen(settings->options[i].name) != length || strncmp(settings->options[i].name, name, length) != 0))
        i++;
    return i;
}

static size_t find_letter(const struct nw_settings *settings, char letter)
{
    size_t i = 0;

    while (i < settings->n_options && settings->options[i].letter != letter)
        i++;
    return i;
}

/* `glued` is the value behind "=" or behind the letter, NULL when there is none. */
static void take(struct reader *r, size_t option, const char *flag, const char *glued)
{
    const struct nw_option *o = &r->settings->options[option];
    const char *text = glued;
    char why[WHY_SIZE];

    if (o->kind == NW_OPTION_SWITCH && glued)
        nw_fail(NW_EXIT_USAGE, "%s: takes no value", flag);
    if (o->kind == NW_OPTION_SWITCH) {
        text = "yes";
    } else if (!glued) {
        if (r->argc == 0)
            nw_fail(NW_EXIT_USAGE, "%s: a value must follow: %s %s", flag, flag, o->value);
        text = *r->argv++;
        r->argc--;
    }
    if (offer(r->settings, option, text, NW_SOURCE_FLAG, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s: %s", flag, why);
}

_Noreturn static void unknown(const struct reader *r, const char *flag)
{
    nw_fail(NW_EXIT_USAGE, "unknown flag \"%s\"; `nightward %s --help` shows all", flag, r->command);
}

static void read_long(struct reader *r, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    size_t option = find(r->settings, word + 2, length - 2);
    char flag[64];

    snprintf(flag, sizeof flag, "%.*s", (int)(length < 60 ? length : 60), word);
    if (option == r->settings->n_options)
        unknown(r, flag);
    take(r, option, flag, equals ? equals + 1 : NULL);
}

static void read_short(struct reader *r, const char *word)
{
    size_t option = find_letter(r->settings, word[1]);
    char flag[3] = {'-', word[1], '\0'};

    if (option == r->settings->n_options)
        unknown(r, word);
    take(r, option, flag, word[2] ? word + 2 : NULL);
}

static void read_flags(struct reader *r)
{
    bool flags = true;

    while (r->argc > 0) {
        char *word = *r->argv++;
        r->argc--;
        if (!flags || word[0] != '-' || word[1] == '\0') {
            r->settings->arguments[r->settings->n_arguments++] = word;
        } else if (strcmp(word, "--") == 0) {
            flags = false;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            r->settings->help = true;
            return;
        } else if (word[1] == '-') {
            read_long(r, word);
        } else {
            read_short(r, word);
        }
    }
}

/* ---- environment ---- */

static void variable_name(const struct nw_option *option, char *name, size_t size)
{
    snprintf(name, size, "NIGHTWARD_%s", option->name);
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

/* An empty variable is as good as none. */
static void read_variable(struct nw_settings *settings, size_t option)
{
    const struct nw_option *o = &settings->options[option];
    char name[64], why[WHY_SIZE];
    char *copy, *rest, *text;

    variable_name(o, name, sizeof name);
    text = getenv(name);
    if (!text || !*text)
        return;
    rest = copy = must(strdup(text));
    while ((text = strsep(&rest, o->repeats ? "," : "")))
        if (offer(settings, option, text, NW_SOURCE_ENVIRONMENT, why, sizeof why) < 0)
            nw_fail(NW_EXIT_USAGE, "%s in the environment: %s", name, why);
    free(copy);
}

void nw_settings_init(struct nw_settings *settings, const char *command, const struct nw_option *options,
                      size_t n_options, int argc, char **argv)
{
    struct reader reader = {.settings = settings, .command = command, .argv = argv, .argc = argc};

    *settings = (struct nw_settings){.options = options, .n_options = n_options};
    settings->values = must(calloc(n_options + 1, sizeof *settings->values));
    settings->arguments = must(calloc((size_t)argc + 1, sizeof *settings->arguments));
    read_flags(&reader);
    if (settings->help)
        return;
    for (size_t i = 0; i < n_options; i++) {
        if (options[i].in_environment)
            read_variable(settings, i);
        if (options[i].initial)
            nw_settings_default(settings, i, options[i].initial);
    }
}

void nw_settings_fini(struct nw_settings *settings)
{
    for (size_t i = 0; i < settings->n_options; i++)
        clear(&settings->values[i]);
    free(settings->values);
    free(settings->arguments);
}

/* ---- the configuration file ---- */

static char *trim(char *text)
{
    size_t length;

    while (isspace((unsigned char)*text))
        text++;
    length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* A # at the start or behind white space; values may hold others. */
static void cut_comment(char *line)
{
    for (char *p = line; *p; p++)
        if (*p == '#' && (p == line || isspace((unsigned char)p[-1]))) {
            *p = '\0';
            return;
        }
}

static void read_line(struct nw_settings *settings, const char *path, unsigned number, char *line)
{
    char *key, *value;
    char why[WHY_SIZE];
    size_t option;

    cut_comment(line);
    key = trim(line);
    if (!*key)
        return;
    value = strchr(key, '=');
    if (!value)
        nw_fail(NW_EXIT_USAGE, "%s:%u: \"%.80s\" is not `key = value`", path, number, key);
    *value++ = '\0';
    key = trim(key);
    option = find(settings, key, strlen(key));
    if (option == settings->n_options || !settings->options[option].in_file)
        nw_fail(NW_EXIT_USAGE, "%s:%u: %.80s: unknown key; `nightward up --print-config` shows all", path, number, key);
    if (offer(settings, option, trim(value), NW_SOURCE_FILE, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s:%u: %s: %s", path, number, key, why);
}

void nw_settings_read_file(struct nw_settings *settings, const char *path)
{
    FILE *f = fopen(path, "re");
    unsigned number = 0;
    char *line = NULL;
    size_t size = 0;

    if (!f)
        nw_fail(NW_EXIT_SYSTEM, "cannot read the configuration file %s: %s", path, strerror(errno));
    while (getline(&line, &size, f) >= 0)
        read_line(settings, path, ++number, line);
    if (ferror(f))
        nw_fail(NW_EXIT_SYSTEM, "cannot read the configuration file %s: %s", path, strerror(errno));
    free(line);
    fclose(f);
}

/* ---- what was read ---- */

const char *nw_setting_text(const struct nw_settings *settings, size_t option)
{
    const struct nw_setting *setting = &settings->values[option];

    return setting->n ? setting->texts[setting->n - 1] : NULL;
}

uint64_t nw_setting_number(const struct nw_settings *settings, size_t option)
{
    const char *text = nw_setting_text(settings, option);

    return text ? nw__option_number(&settings->options[option], text) : 0;
}

void nw_setting_span(const struct nw_settings *settings, size_t option, uint64_t *least, uint64_t *most)
{
    const char *text = nw_setting_text(settings, option);

    nw__option_span(text ? text : "0", least, most);
}

bool nw_setting_on(const struct nw_settings *settings, size_t option)
{
    return settings->values[option].n > 0;
}

void nw_settings_print(const struct nw_settings *settings)
{
    static const char *const sources[] = {
        [NW_SOURCE_NONE] = "unset", [NW_SOURCE_DEFAULT] = "default",
        [NW_SOURCE_FILE] = "file",  [NW_SOURCE_ENVIRONMENT] = "environment",
        [NW_SOURCE_FLAG] = "flag",
    };

    for (size_t i = 0; i < settings->n_options; i++)
        for (int k = 0; settings->options[i].in_file && k < settings->values[i].n; k++)
            printf("%s = %s # %s\n", settings->options[i].name, settings->values[i].texts[k],
                   sources[settings->values[i].source]);
}
