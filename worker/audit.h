/*
 * Makes sure that the gate is the only place in this process whose code can change a thread's rights: what the static C
 * library brought along is overwritten with traps, and anything else that is executable is looked at.
 */
#ifndef NW_WORKER_AUDIT_H
#define NW_WORKER_AUDIT_H

/* Before any domain exists. 0; negative errno when a page could not be changed; -EPERM, logged, when executable memory
 * outside this program holds such an instruction. */
int nw_audit(void);

#endif
