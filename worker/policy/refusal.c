/* See refusal.h. */
#include "worker/policy/refusal.h"
#include "common/base/bound.h"
#include "common/base/log.h"
#include "worker/domain/domain.h"
#include "worker/domain/function.h"
#include "worker/image/frame.h"
#include "worker/image/where.h"
#include "worker/path/place.h"
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define NUMBERS   512
#define PATH_SAID 128

static const char *const names[NUMBERS] = {
#define NAME(number, name) [number] = #name,
#include "worker/policy/syscall_names.def"
#undef NAME
};

const char *nw_call_name(long number, char text[NW_CALL_NUMBER_MAX])
{
    const uint64_t index = nw_index((uint64_t)number, NUMBERS);

    if ((uint64_t)number < NUMBERS && names[index])
        return names[index];
    snprintf(text, NW_CALL_NUMBER_MAX, "%ld", number);
    return text;
}

/* Which argument is a path, or -1. */
static int path_argument(long number)
{
    switch (number) {
    case SYS_open:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_readlink:
    case SYS_execve:
        return 0;
    case SYS_openat:
    case SYS_openat2:
    case SYS_newfstatat:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_readlinkat:
    case SYS_execveat:
        return 1;
    default:
        return -1;
    }
}

/* ` of "PATH"`, or nothing. */
static void describe_path(struct nw_call *call, char text[PATH_SAID])
{
    int argument = path_argument(call->number);
    char path[PATH_MAX];

    text[0] = '\0';
    if (argument >= 0 && nw_place_read(call, call->args[argument], path) == 0)
        snprintf(text, PATH_SAID, " of \"%.*s\"", PATH_SAID - 8, path);
}

void nw_refusal_log(struct nw_call *call)
{
    uint64_t frame = nw_frame_find(call->slot);
    char number[NW_CALL_NUMBER_MAX], path[PATH_SAID], where[NW_WHERE_MAX];

    describe_path(call, path);
    nw_where(call->domain, frame, where);
    nw_log(NW_LOG_WARN, "function %s: system call %s%s refused at %#lx%s", call->domain->function->name,
           nw_call_name(call->number, number), path, (unsigned long)frame, where);
}
