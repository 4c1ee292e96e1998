/* See libc_files.h. */
#include "worker/path/libc_files.h"
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

static const char *const folders[] = {
    "/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/lib64/", "/usr/lib64/", "/lib/", "/usr/lib/"};

/* Below one of the folders. */
static const char *const libraries[] = {"libgcc_s.so.1", "libnss_*.so.2"};
static const char *const trees[] = {"gconv/", "locale/"};

static const char *const other_files[] = {"/etc/ld.so.cache", "/etc/localtime"};
static const char *const other_trees[] = {"/usr/share/zoneinfo/", "/usr/share/locale/"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool is_below(const char *path, const char *const *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool matches(const char *path, const char *const *patterns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fnmatch(patterns[i], path, FNM_PATHNAME | FNM_NOESCAPE) == 0)
            return true;
    return false;
}

bool nw__libc_reads(const char *path)
{
    if (strstr(path, "/.."))
        return false;
    for (size_t i = 0; i < COUNT(folders); i++) {
        const char *rest = path + strlen(folders[i]);

        if (strncmp(path, folders[i], strlen(folders[i])) == 0 &&
            (matches(rest, libraries, COUNT(libraries)) || is_below(rest, trees, COUNT(trees))))
            return true;
    }
    return matches(path, other_files, COUNT(other_files)) || is_below(path, other_trees, COUNT(other_trees));
}
