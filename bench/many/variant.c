/* See variant.h. */
#include "bench/many/variant.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH_MAX (64u << 20)

static const char mark[24] = "nightward variant here:"; /* as in bench/functions/variant.c */

static int read_all(struct nw_variant *variant, int fd)
{
    struct stat status;
    size_t have = 0;

    if (fstat(fd, &status))
        return -errno;
    if (status.st_size <= 0 || status.st_size > LENGTH_MAX)
        return -EINVAL;
    variant->length = (size_t)status.st_size;
    variant->bytes = malloc(variant->length);
    if (!variant->bytes)
        return -ENOMEM;
    while (have < variant->length) {
        ssize_t n = read(fd, variant->bytes + have, variant->length - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        have += (size_t)n;
    }
    return 0;
}

/* Where the number is: behind the only mark. */
static int find_number(struct nw_variant *variant)
{
    const char *end = variant->bytes + variant->length;
    const char *found = memmem(variant->bytes, variant->length, mark, sizeof mark);
    const char *behind = found ? found + sizeof mark : NULL;

    if (!found || (size_t)(end - behind) < sizeof(uint64_t) ||
        memmem(behind, (size_t)(end - behind), mark, sizeof mark))
        return -EINVAL;
    variant->at = (size_t)(behind - variant->bytes);
    return 0;
}

int nw__variant_init(struct nw_variant *variant, const char *path)
{
    int error, fd = open(path, O_RDONLY | O_CLOEXEC);

    *variant = (struct nw_variant){0};
    if (fd < 0)
        return -errno;
    error = read_all(variant, fd);
    close(fd);
    if (!error)
        error = find_number(variant);
    if (error)
        nw__variant_fini(variant);
    return error;
}

void nw__variant_fini(struct nw_variant *variant)
{
    free(variant->bytes);
    *variant = (struct nw_variant){0};
}

void nw__variant_number(struct nw_variant *variant, uint64_t number)
{
    memcpy(variant->bytes + variant->at, &number, sizeof number);
}

const char *nw__variant_built(void)
{
    static char path[PATH_MAX + 32];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    char *slash;

    path[length > 0 ? length : 0] = '\0';
    slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, "functions/variant.so");
    return path;
}
