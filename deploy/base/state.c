/* Finding and making the state directory. */
#include "deploy/base/state.h"
#include "deploy/base/say.h"
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVICE_STATE "/var/lib/nightward" /* as in nightward.service */

static const char *home(void)
{
    const char *variable = getenv("HOME");
    const struct passwd *user;

    if (variable && *variable == '/')
        return variable;
    user = getpwuid(geteuid());
    return user && user->pw_dir ? user->pw_dir : "/";
}

static bool has_host(const char *directory)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/admin.sock", directory) < (int)sizeof path && access(path, F_OK) == 0;
}

const char *nw_state_directory(struct nw_settings *settings, size_t option)
{
    const char *base = getenv("XDG_STATE_HOME");
    char path[PATH_MAX];

    if (base && *base == '/')
        snprintf(path, sizeof path, "%s/nightward", base);
    else
        snprintf(path, sizeof path, "%s/.local/state/nightward", home());
    nw_settings_default(settings, option, path);
    return nw_setting_text(settings, option);
}

const char *nw_state_find(struct nw_settings *settings, size_t option)
{
    const char *directory = nw_state_directory(settings, option);

    if (settings->values[option].source == NW_SOURCE_DEFAULT && !has_host(directory) && has_host(SERVICE_STATE))
        nw_settings_default(settings, option, SERVICE_STATE);
    return nw_setting_text(settings, option);
}

void nw_state_make(const char *directory)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s", directory) >= (int)sizeof path)
        nw_fail(NW_EXIT_SYSTEM, "cannot make the state directory %.80s...: %s", directory, strerror(ENAMETOOLONG));
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            /* What is wrong with a directory above shows when the last one is made. */
            mkdir(path, 0700);
            *p = '/';
        }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        nw_fail(NW_EXIT_SYSTEM, "cannot make the state directory %s: %s; choose another with --state", directory,
                strerror(errno));
    if (access(path, R_OK | W_OK | X_OK) != 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot use the state directory %s: %s; choose another with --state", directory,
                strerror(errno));
}

char *nw_state_socket(const char *directory)
{
    struct sockaddr_un address;
    char *path = NULL;

    if (asprintf(&path, "%s/admin.sock", directory) < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot name the admin socket: %s", strerror(ENOMEM));
    if (strlen(path) >= sizeof address.sun_path)
        nw_fail(NW_EXIT_USAGE, "--state: %s is too long for a socket's path (%zu bytes); choose a shorter directory",
                path, sizeof address.sun_path - 1);
    return path;
}
