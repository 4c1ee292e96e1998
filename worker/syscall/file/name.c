/*
 * System calls that make, remove and rename files of granted directories: each acts on a name in a directory that was
 * opened below the granted one, so that no part of a path is looked up twice.
 */
#include "worker/domain/domain.h"
#include "worker/files/disk.h"
#include "worker/path/resolve.h"
#include "worker/syscall/file/entry.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODE_BITS 0777

/* The file that lost the name may count less now. */
static void entry_lost(struct nw_call *call, int fd)
{
    if (fd < 0)
        return;
    nw_disk_changed(call->domain->files.disk, fd);
    close(fd);
}

static long make_directory(struct nw_call *call, uint64_t number, uint64_t name, uint64_t mode)
{
    struct nw__entry entry;
    int error = nw__entry_find(call, number, name, &entry);

    if (error)
        return error == -EBUSY ? -EEXIST : error;
    error = nw_disk_name(call->domain->files.disk);
    if (!error) {
        error = mkdirat(entry.parent, entry.base, (mode_t)(mode & MODE_BITS)) < 0 ? -errno : 0;
        nw__entry_made(call, &entry, error);
    }
    nw__entry_leave(&entry);
    return error;
}

long nw_sys_mkdir(struct nw_call *call)
{
    return make_directory(call, (uint64_t)AT_FDCWD, call->args[0], call->args[1]);
}

long nw_sys_mkdirat(struct nw_call *call)
{
    return make_directory(call, call->args[0], call->args[1], call->args[2]);
}

static long remove_entry(struct nw_call *call, uint64_t number, uint64_t name, uint64_t flags)
{
    struct nw__entry entry;
    int error = nw__entry_find(call, number, name, &entry), fd;

    if (error)
        return error;
    fd = nw__entry_open(&entry);
    error = unlinkat(entry.parent, entry.base, (int)flags) < 0 ? -errno : 0;
    entry_lost(call, fd);
    nw__entry_leave(&entry);
    return error;
}

long nw_sys_unlink(struct nw_call *call)
{
    return remove_entry(call, (uint64_t)AT_FDCWD, call->args[0], 0);
}

long nw_sys_rmdir(struct nw_call *call)
{
    return remove_entry(call, (uint64_t)AT_FDCWD, call->args[0], AT_REMOVEDIR);
}

long nw_sys_unlinkat(struct nw_call *call)
{
    return remove_entry(call, call->args[0], call->args[1], call->args[2]);
}

static long rename_entry(struct nw_call *call, uint64_t from_number, uint64_t from_name, uint64_t to_number,
                         uint64_t to_name, uint64_t flags)
{
    struct nw__entry from, to;
    int error = nw__entry_find(call, from_number, from_name, &from), replaced;

    if (error)
        return error;
    error = nw__entry_find(call, to_number, to_name, &to);
    replaced = error ? -1 : nw__entry_open(&to);
    if (!error && renameat2(from.parent, from.base, to.parent, to.base, (unsigned)flags) < 0)
        error = -errno;
    entry_lost(call, replaced);
    nw__entry_leave(&from);
    nw__entry_leave(&to);
    return error;
}

long nw_sys_rename(struct nw_call *call)
{
    return rename_entry(call, (uint64_t)AT_FDCWD, call->args[0], (uint64_t)AT_FDCWD, call->args[1], 0);
}

long nw_sys_renameat(struct nw_call *call)
{
    uint64_t flags = call->number == SYS_renameat2 ? call->args[4] : 0;

    return rename_entry(call, call->args[0], call->args[1], call->args[2], call->args[3], flags);
}
