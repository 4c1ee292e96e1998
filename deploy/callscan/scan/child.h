/* What the process that uses LLVM answers: one byte of the kind, then the bytes of it. */
#ifndef NW_DEPLOY_CALLSCAN_SCAN_CHILD_H
#define NW_DEPLOY_CALLSCAN_SCAN_CHILD_H

#include "deploy/callscan/scan/scan.h"

#define NW_ANSWER_SITES 's'
#define NW_ANSWER_WHY   'w'

/* Runs in the child, and ends it. `files` are the bytes of the function's files. */
_Noreturn void nw__child_run(const struct nw_scanned *scanned, const struct nw_buffer *files, int fd);

#endif
