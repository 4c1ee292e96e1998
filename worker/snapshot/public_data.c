/* See public_data.h. */
#include "worker/snapshot/public_data.h"
#include "worker/base/limits.h"
#include "worker/snapshot/peek.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct nw_public_data {
    struct nw_public_data *next;
    uint64_t users, size;
    int fd;
};

static struct nw_public_data *list;

static bool is_same(const struct nw_public_data *data, uint64_t start, uint64_t size)
{
    uint8_t piece[NW_PAGE_SIZE];
    const uint8_t *bytes;

    for (uint64_t at = 0; data->size == size && at < size; at += sizeof(piece)) {
        bytes = nw__peek(start + at, sizeof(piece));
        if (!bytes || pread(data->fd, piece, sizeof(piece), (off_t)at) != sizeof(piece) ||
            memcmp(bytes, piece, sizeof(piece)) != 0)
            return false;
    }
    return data->size == size;
}

/* By a call of the kernel, so that memory that cannot be read is an error and no fault. */
static int copy(int fd, uint64_t start, uint64_t size)
{
    if (write(fd, (const void *)start, size) != (ssize_t)size)
        return -EFAULT;
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ? -errno : 0;
}

static int data_new(uint64_t start, uint64_t size, struct nw_public_data **made)
{
    struct nw_public_data *data = calloc(1, sizeof(*data));
    int error;

    if (!data)
        return -ENOMEM;
    data->fd = memfd_create("nightward-public-data", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    error = data->fd < 0 ? -errno : copy(data->fd, start, size);
    if (error) {
        if (data->fd >= 0)
            close(data->fd);
        free(data);
        return error;
    }
    data->size = size;
    data->users = 1;
    data->next = list;
    list = *made = data;
    return 0;
}

int nw__public_data_share(uint64_t start, uint64_t size, struct nw_public_data **shared)
{
    struct nw_public_data *data;

    for (data = list; data && !is_same(data, start, size); data = data->next)
        continue;
    if (!data)
        return data_new(start, size, shared);
    data->users++;
    *shared = data;
    return 0;
}

void nw__public_data_drop(struct nw_public_data *data)
{
    struct nw_public_data **link = &list;

    if (--data->users > 0)
        return;
    while (*link != data)
        link = &(*link)->next;
    *link = data->next;
    close(data->fd);
    free(data);
}

int nw__public_data_file(const struct nw_public_data *data)
{
    return data->fd;
}
