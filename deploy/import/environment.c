/* See environment.h. */
#include "deploy/import/environment.h"
#include "deploy/base/say.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names, and beginnings of names with a *: of this process, its shell, its service and its terminal, which are others
 * at the next start, and would make another version of what is the same. FAAS_ are those of nightcore's own processes,
 * LD_ and GLIBC_TUNABLES are for the loader of this process. */
static const char *const left_out[] = {
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "NIGHTWARD_*",
    "FAAS_*",
    "LD_*",
    "SSH_*",
    "XDG_*",
    "TMUX*",
    "STY",
    "TERM*",
    "WINDOWID",
    "DBUS_*",
    "LISTEN_*",
    "WATCHDOG_*",
    "NOTIFY_SOCKET",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MAINPID",
    "MANAGERPID",
    "SYSTEMD_*",
    "MEMORY_PRESSURE_*",
    "CREDENTIALS_DIRECTORY",
    "GLIBC_TUNABLES",
};

static bool matches(const char *pattern, const char *name, size_t length)
{
    size_t wanted = strlen(pattern);

    if (pattern[wanted - 1] == '*')
        return length >= wanted - 1 && strncmp(pattern, name, wanted - 1) == 0;
    return length == wanted && strncmp(pattern, name, length) == 0;
}

/* The length of a name that a variable of a function may have; 0: it has none. */
static size_t name_length(const char *variable)
{
    size_t n = 0;

    while (variable[n] == '_' || isalpha((unsigned char)variable[n]) || (n && isdigit((unsigned char)variable[n])))
        n++;
    return variable[n] == '=' ? n : 0;
}

static bool is_left_out(const char *variable, size_t length)
{
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (matches(left_out[i], variable, length))
            return true;
    return false;
}

static bool has(const struct nw_buffer *env, const char *variable, size_t length)
{
    for (size_t at = 0; at < env->length; at += strlen(env->data + at) + 1)
        if (strncmp(env->data + at, variable, length + 1) == 0)
            return true;
    return false;
}

static void add(struct nw_func *func, const char *variable)
{
    char why[512];

    if (nw_manifest_set(&func->manifest, "env", variable, why, sizeof why) < 0)
        nw_fail(
            NW_EXIT_USAGE,
            "cannot deploy \"%s\": its environment is to be that of this command, but %s; start it with less, as by "
            "env -i PATH=\"$PATH\" nightward ...",
            func->manifest.name, why);
}

void nw__environment_add(struct nw_func *func)
{
    char id[32];

    for (char **variable = environ; *variable; variable++) {
        size_t length = name_length(*variable);
        if (length && !is_left_out(*variable, length) && !has(&func->manifest.env, *variable, length))
            add(func, *variable);
    }
    snprintf(id, sizeof id, "FAAS_FUNC_ID=%d", func->id);
    add(func, id);
}
