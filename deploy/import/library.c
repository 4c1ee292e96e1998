/* See library.h. */
#include "deploy/import/library.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef int compare(const char *one, const char *other, size_t length);

struct search {
    const char *name;
    char found[NAME_MAX + 1];
    int alike; /* files that have the name in any case */
    int exact; /* that have it as it is; `found` is the last of them, or the last that is alike */
};

/* NAME.so or libNAME.so. */
static bool is_called(const char *file, const char *name, compare *same)
{
    size_t length = strlen(name);

    if (strncmp(file, "lib", 3) == 0 && same(file + 3, name, length) == 0 && strcmp(file + 3 + length, ".so") == 0)
        return true;
    return same(file, name, length) == 0 && strcmp(file + length, ".so") == 0;
}

static void look_at(struct search *search, const char *file)
{
    bool exact = is_called(file, search->name, strncmp), alike = is_called(file, search->name, strncasecmp);

    search->alike += alike;
    search->exact += exact;
    if (exact || (alike && !search->exact))
        snprintf(search->found, sizeof search->found, "%s", file);
}

static int search_in(struct search *search, const char *dir)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;

    if (!entries)
        return -errno;
    while ((entry = readdir(entries)))
        look_at(search, entry->d_name);
    closedir(entries);
    return 0;
}

static int join(char *path, const char *dir, const char *file, char *why, size_t why_size)
{
    bool whole = *file == '/';

    if (snprintf(path, PATH_MAX, "%s%s%s", whole ? "" : dir, whole ? "" : "/", file) < PATH_MAX)
        return 0;
    snprintf(why, why_size, "%.80s...: %s", dir, strerror(ENAMETOOLONG));
    return -ENAMETOOLONG;
}

int nw__library_find(const struct nw_func *func, const char *dir, char *path, char *why, size_t why_size)
{
    const char *name = func->manifest.name;
    struct search search = {.name = name};
    int rc;

    if (*func->so) {
        rc = join(path, dir, func->so, why, why_size);
        if (rc == 0 && access(path, R_OK) < 0) {
            rc = -errno;
            snprintf(why, why_size, "nightward: so: cannot read %s: %s", path, strerror(-rc));
        }
        return rc;
    }
    rc = search_in(&search, dir);
    if (rc < 0) {
        snprintf(why, why_size, "cannot read the folder %s: %s", dir, strerror(-rc));
        return rc;
    }
    if (search.exact == 1 || (!search.exact && search.alike == 1))
        return join(path, dir, search.found, why, why_size);
    snprintf(why, why_size,
             "no one file in %s for \"%s\": %s %s.so or lib%s.so, in any case of letters; give its folder with "
             "--func-dir, or the file in its entry: \"nightward\": {\"so\": \"FILE.so\"}",
             dir, name, search.alike ? "more than one is" : "none is", name, name);
    return -ENOENT;
}
