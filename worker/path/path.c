/* See path.h. */
#include "worker/path/path.h"
#include <string.h>

static bool begins(const char *path, const char *with, size_t length)
{
    return strncmp(path, with, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The same for the first `length` characters of a path. */
static const struct nw_directory *granted(const struct nw_deployed *f, const char *path, size_t length)
{
    const struct nw_directory *best = NULL;

    for (uint32_t i = 0; i < f->n_directories; i++) {
        const struct nw_directory *d = &f->directories[i];

        if (d->length <= length && strncmp(path, d->path, d->length) == 0 &&
            (d->length == length || path[d->length] == '/') && (!best || d->length > best->length))
            best = d;
    }
    return best;
}

const struct nw_directory *nw__path_granted(const struct nw_deployed *f, const char *path)
{
    return granted(f, path, strlen(path));
}

static bool is_above(const struct nw_deployed *f, const char *path, size_t length)
{
    if (granted(f, path, length))
        return false;
    for (uint32_t i = 0; i < f->n_directories; i++)
        if (begins(f->directories[i].path, path, length))
            return true;
    return length == 0;
}

bool nw__path_is_above(const struct nw_deployed *f, const char *path)
{
    size_t length = strlen(path);

    return is_above(f, path, path[length - 1] == '/' ? length - 1 : length);
}

/* Whether what lies above the first `length` characters can be told by cutting them. */
static bool has_known_parent(const struct nw_deployed *f, const char *path, size_t length)
{
    const struct nw_directory *d = granted(f, path, length);

    return d ? d->length == length : is_above(f, path, length);
}

static size_t cut_last(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length > 0 ? length - 1 : 0;
}

void nw__path_tidy(const struct nw_deployed *f, char path[PATH_MAX])
{
    size_t to = 0, from = 0, length = strlen(path);
    bool slash = false;

    while (from < length) {
        size_t begin = from + strspn(path + from, "/"), n = strcspn(path + begin, "/");

        slash = n == 0 || (n == 1 && path[begin] == '.');
        if (n == 2 && path[begin] == '.' && path[begin + 1] == '.' && has_known_parent(f, path, to)) {
            to = cut_last(path, to);
        } else if (!slash) {
            path[to] = '/';
            memmove(path + to + 1, path + begin, n);
            to += n + 1;
        }
        from = begin + n;
    }
    if (slash || to == 0)
        path[to++] = '/';
    path[to] = '\0';
}
