/* Names for the handlers of system calls about paths: from the text in the domain to a place, and from a place to the
 * directory that a name lies in. */
#ifndef NW_WORKER_SYSCALL_FILE_ENTRY_H
#define NW_WORKER_SYSCALL_FILE_ENTRY_H

#include "worker/path/resolve.h"
#include "worker/syscall/call.h"
#include <stdint.h>

/* The place of the path at `name` of the domain, as nw_resolve finds it; nw_resolved_leave afterwards, when it was 0.
 */
int nw__resolved_find(struct nw_call *call, uint64_t number, uint64_t name, struct nw_resolved *place);

/* A name in a directory that may be changed, by which it is made, removed or given to something
 * else. -EBUSY: the name of a granted directory itself, or of one above. 0 or negative errno; nw__entry_leave in any
 * case. */
struct nw__entry {
    int parent;
    char base[NAME_MAX + 1];
};
int nw__entry_find(struct nw_call *call, uint64_t number, uint64_t name, struct nw__entry *entry);
void nw__entry_leave(const struct nw__entry *entry);

/* What has the name, by no other way; the kernel's fd, or negative errno. */
int nw__entry_open(const struct nw__entry *entry);

/* Something that is counted was given the name after nw_disk_name, or, for an error, nothing. */
void nw__entry_made(struct nw_call *call, const struct nw__entry *entry, int error);

#endif
