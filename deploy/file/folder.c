/* Reads a function's folder. */
#include "deploy/file/folder.h"
#include "deploy/base/say.h"
#include "deploy/file/file.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void join(char *path, const char *dir, const char *name)
{
    if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
        nw_fail(NW_EXIT_SYSTEM, "cannot read %.80s...: %s", dir, strerror(ENAMETOOLONG));
}

/* `so` gets the file's name, or "". */
static void read_manifest(const char *dir, struct nw_manifest *manifest, char *so, size_t so_size)
{
    char path[PATH_MAX], why[512];
    struct nw_buffer json = {0};

    *so = '\0';
    join(path, dir, "function.json");
    if (access(path, F_OK) < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot read %s: %s; give a NAME and a FILE.so, or a folder with a function.json", path,
                strerror(errno));
    nw_file_read(path, &json);
    if (nw_manifest_parse_json(manifest, json.data ? json.data : "", json.length, so, so_size, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s: %s", path, why);
    nw_buffer_fini(&json);
}

static void name_after_folder(const char *dir, struct nw_manifest *manifest)
{
    char *path = realpath(dir, NULL);
    char why[512];

    if (!path)
        nw_fail(NW_EXIT_SYSTEM, "cannot read %s: %s", dir, strerror(errno));
    if (nw_manifest_set(manifest, "name", strrchr(path, '/') + 1, why, sizeof why) < 0)
        nw_fail(NW_EXIT_USAGE, "%s/function.json: no name is given, and the folder's is none: %s", dir, why);
    free(path);
}

static int is_shared_object(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

static void find_only_so(const char *dir, const char *name, char *so_path)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_shared_object, alphasort);

    if (n < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot read %s: %s", dir, strerror(errno));
    if (n != 1)
        nw_fail(NW_EXIT_USAGE, "%s: %s .so there, and none is %s.so; name the one to deploy by \"so\" in function.json",
                dir, n == 0 ? "no" : "more than one", name);
    join(so_path, dir, entries[0]->d_name);
    free(entries[0]);
    free(entries);
}

void nw_folder_read(const char *dir, struct nw_manifest *manifest, char *so_path)
{
    char so[NAME_MAX + 1];

    read_manifest(dir, manifest, so, sizeof so);
    if (!*manifest->name)
        name_after_folder(dir, manifest);
    if (*so) {
        join(so_path, dir, so);
        return;
    }
    snprintf(so, sizeof so, "%s.so", manifest->name);
    join(so_path, dir, so);
    if (access(so_path, F_OK) != 0)
        find_only_so(dir, manifest->name, so_path);
}
