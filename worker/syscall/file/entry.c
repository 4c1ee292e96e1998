/* See entry.h. */
#include "worker/syscall/file/entry.h"
#include "worker/domain/domain.h"
#include "worker/files/disk.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int nw__resolved_find(struct nw_call *call, uint64_t number, uint64_t name, struct nw_resolved *place)
{
    int error = nw_call_path(call, name, place->path);

    if (!error)
        error = nw_resolve(call->domain, number, place);
    if (error || place->kind == NW_RESOLVED_GRANTED || place->kind == NW_RESOLVED_ABOVE)
        return error;
    return nw_call_once(call) ? 0 : nw_call_path(call, name, place->path);
}

int nw__entry_find(struct nw_call *call, uint64_t number, uint64_t name, struct nw__entry *entry)
{
    struct nw_resolved place;
    int error = nw__resolved_find(call, number, name, &place);

    entry->parent = -1;
    if (error)
        return error == -EPERM ? -EROFS : error;
    entry->parent = place.kind == NW_RESOLVED_ABOVE ? -EBUSY : nw_resolved_parent(&place, entry->base);
    nw_resolved_leave(call->domain, &place);
    return entry->parent < 0 ? entry->parent : 0;
}

void nw__entry_leave(const struct nw__entry *entry)
{
    if (entry->parent >= 0)
        close(entry->parent);
}

int nw__entry_open(const struct nw__entry *entry)
{
    int fd = openat(entry->parent, entry->base, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void nw__entry_made(struct nw_call *call, const struct nw__entry *entry, int error)
{
    int fd = error ? -1 : nw__entry_open(entry);

    if (error || fd >= 0)
        nw_disk_named(call->domain->files.disk, fd);
    if (fd >= 0)
        close(fd);
}
