/* System calls about the working directory of a domain: see path/cwd.h. */
#include "worker/path/cwd.h"
#include "worker/domain/domain.h"
#include "worker/files/files.h"
#include "worker/path/resolve.h"
#include "worker/syscall/call.h"
#include "worker/syscall/file/entry.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long enter_place(struct nw_call *call, struct nw_resolved *place)
{
    size_t length = strlen(place->path);
    long result;
    int fd;

    if (place->kind == NW_RESOLVED_ABOVE) {
        place->path[length > 1 && place->path[length - 1] == '/' ? length - 1 : length] = '\0';
        return nw_cwd_enter(call->domain, place->path);
    }
    if (place->kind != NW_RESOLVED_GRANTED)
        return -EACCES;
    fd = nw_resolved_directory(place);
    if (fd < 0)
        return fd;
    result = nw_cwd_enter_granted(call->domain, place->granted, fd);
    close(fd);
    return result;
}

long nw_sys_chdir(struct nw_call *call)
{
    struct nw_resolved place;
    long result = nw__resolved_find(call, (uint64_t)AT_FDCWD, call->args[0], &place);

    if (result)
        return result == -EPERM ? -ENOENT : result;
    result = enter_place(call, &place);
    nw_resolved_leave(call->domain, &place);
    return result;
}

long nw_sys_fchdir(struct nw_call *call)
{
    struct nw_domain_fd file;
    struct stat st;
    int fd = nw_fd_use_file(&call->domain->files, call->args[0], &file);
    long result;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
        result = -ENOTDIR;
    else
        result = file.granted ? nw_cwd_enter_granted(call->domain, file.granted, fd) : -EACCES;
    nw_fd_done(&call->domain->files, call->args[0]);
    return result;
}

long nw_sys_getcwd(struct nw_call *call)
{
    char path[PATH_MAX];
    size_t size;

    nw_cwd_get(call->domain, path);
    size = strlen(path) + 1;
    if (size > call->args[1])
        return -ERANGE;
    return nw_call_write(call, call->args[0], path, size) < 0 ? -EFAULT : (long)size;
}
