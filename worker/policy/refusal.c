/* See refusal.h. */
#include "worker/policy/refusal.h"
#include "common/base/atomic.h"
#include "common/base/bound.h"
#include "common/base/log.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/image/where.h"
#include "worker/policy/frame.h"
#include "worker/wire/report.h"
#include <stdio.h>
#include <sys/syscall.h>

#define NUMBERS   512
#define PATH_SAID 128

static const char *const names[NUMBERS] = {
#define NAME(number, name) [number] = #name,
#include "worker/policy/syscall_names.def"
#undef NAME
};

const char *nw__call_name(long number, char text[NW_CALL_NUMBER_MAX])
{
    const uint64_t index = nw_index((uint64_t)number, NUMBERS);

    if ((uint64_t)number < NUMBERS && names[index])
        return names[index];
    snprintf(text, NW_CALL_NUMBER_MAX, "%ld", number);
    return text;
}

int nw_refusal_path(long number)
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

bool nw_refusal_count(struct nw_deployed *function, long number)
{
    const unsigned bit = (unsigned)number % (sizeof(function->refused) * 8);
    const uint64_t mask = 1ull << bit % 64;

    nw_tell_refused();
    return !(nw_fetch_or(&function->refused[bit / 64], mask) & mask); /* pairs with itself */
}

void nw_refusal_log(struct nw_slot *slot, long number, const char *path)
{
    const uint64_t frame = nw__frame_find(slot);
    char name[NW_CALL_NUMBER_MAX], of[PATH_SAID] = "", where[NW_WHERE_MAX];

    if (path)
        snprintf(of, sizeof(of), " of \"%.*s\"", PATH_SAID - 8, path);
    nw_code_where(&slot->domain->memory, frame, where);
    nw_log(NW_LOG_WARN, "function %s: system call %s%s refused at %#lx%s", slot->domain->function->name,
           nw__call_name(number, name), of, (unsigned long)frame, where);
}
