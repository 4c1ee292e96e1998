/*
 * Makes sure that the gate is the only place in this process whose code can change a thread's rights: code that is
 * known to be dead (dead.def) is overwritten with traps, and then all executable memory is looked at. Nothing else is
 * changed: that living code holds none is proven when the program is linked (link.sh).
 */
#ifndef NW_WORKER_AUDIT_AUDIT_H
#define NW_WORKER_AUDIT_AUDIT_H

#include "protect/scan/scan.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

/* More of them, or more outside the gate, are an error. */
#define NW_AUDIT_MAX 256

/* The offset of a hit is its address. */
struct nw_audit {
    struct nw_scan_hit overwritten[NW_AUDIT_MAX];
    struct nw_scan_hit left[NW_AUDIT_MAX];
    size_t n_overwritten, n_left;
};

/*
 * Before any domain and any other thread exists. 0: what is left lies in the gate. -EPERM: some of it does not.
 * Otherwise, with nothing known to be left: what nw_self_scan says, -E2BIG, or that a page could not be changed.
 */
int nw_audit(struct nw_audit *audit);

/* Whether all of a hit lies in the gate, and in none of its dead code. */
bool nw__audit_in_gate(const struct nw_scan_hit *hit);

/* Ends the program after -EPERM with a message that names the first place outside the gate. */
noreturn void nw_audit_refuse(const struct nw_audit *audit);

/* Does the audit and prints on standard output what is left and what was overwritten, each with its place. Returns the
 * exit status of the program: 0, or 1 when an instruction is left outside the gate. */
int nw_audit_print(void);

/* The same for a library of the host that domains load: what is overwritten, and whether any is left. */
int nw_audit_print_host(const char *path);

#endif
