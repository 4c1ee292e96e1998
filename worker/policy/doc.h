/* docs/reference/syscalls.md, as it follows from policy.def. */
#ifndef NW_WORKER_POLICY_DOC_H
#define NW_WORKER_POLICY_DOC_H

#include <stdio.h>

void nw_policy_document(FILE *to);

#endif
