/* See number.h. */
#include "worker/syscall/file/number.h"
#include "worker/domain/domain.h"
#include "worker/files/files.h"
#include "worker/files/opened.h"
#include <errno.h>

long nw__call_on_file(struct nw_call *call, long (*pass)(struct nw_call *))
{
    uint64_t number = call->args[0];
    struct nw_domain_fd file;
    int fd = nw_fd_use_file(&call->domain->files, number, &file);
    long result;

    if (fd < 0)
        return fd;
    call->args[0] = (uint64_t)fd;
    call->disk = file.opened && file.granted->writable ? file.opened->disk : NULL;
    result = pass(call);
    nw_fd_done(&call->domain->files, number);
    return result;
}

long nw__call_adopt(struct nw_call *call, int fd, uint64_t from)
{
    return fd < 0 ? -errno : nw_fd_add(&call->domain->files, (struct nw_domain_fd){.fd = fd}, from);
}

long nw__call_two_files(struct nw_call *call, const int ends[2], uint64_t to)
{
    int32_t numbers[2];
    long first, second, result;

    first = nw__call_adopt(call, ends[0], 0);
    second = nw__call_adopt(call, ends[1], 0);
    numbers[0] = (int32_t)first;
    numbers[1] = (int32_t)second;
    result = first < 0 || second < 0 ? -EMFILE : nw_call_write(call, to, numbers, sizeof(numbers));
    for (int i = 0; i < 2 && result < 0; i++)
        if (numbers[i] >= 0)
            nw_fd_close(&call->domain->files, (uint64_t)numbers[i]);
    return result;
}
