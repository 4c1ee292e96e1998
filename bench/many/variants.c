/*
 * variants DIRECTORY FIRST COUNT [TEMPLATE.so]: writes the shared objects f<FIRST>.so and so on into a directory that
 * exists. Each is another function (variant.h); without TEMPLATE.so it is the one built beside this program.
 */
#include "bench/many/variant.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_MAX 10000000ul

static int fail(const char *path, int error)
{
    fprintf(stderr, "variants: %s: %s\n", path,
            error == -EINVAL ? "does not hold the mark of bench/functions/variant.c once" : strerror(-error));
    return 1;
}

static int write_file(const char *path, const struct nw_variant *variant)
{
    int error = 0, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t written;

    if (fd < 0)
        return -errno;
    written = write(fd, variant->bytes, variant->length);
    if (written != (ssize_t)variant->length)
        error = written < 0 ? -errno : -ENOSPC;
    if (close(fd) && !error)
        error = -errno;
    return error;
}

int main(int argc, char **argv)
{
    const char *template = argc == 5 ? argv[4] : nw__variant_built();
    struct nw_variant variant;
    unsigned long first, count;
    char path[PATH_MAX];
    int error;

    if (argc < 4 || argc > 5 || sscanf(argv[2], "%lu", &first) != 1 || sscanf(argv[3], "%lu", &count) != 1 ||
        first > NUMBER_MAX || count > NUMBER_MAX) {
        fputs("usage: variants DIRECTORY FIRST COUNT [TEMPLATE.so]\n", stderr);
        return 2;
    }
    error = nw__variant_init(&variant, template);
    if (error)
        return fail(template, error);
    for (unsigned long number = first; number < first + count && !error; number++) {
        nw__variant_number(&variant, number);
        snprintf(path, sizeof path, "%s/f%lu.so", argv[1], number);
        error = write_file(path, &variant);
    }
    nw__variant_fini(&variant);
    return error ? fail(path, error) : 0;
}
