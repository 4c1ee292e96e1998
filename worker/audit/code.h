/*
 * To which part of a program an instruction belongs that can change rights: to the gate, to code that nobody runs, or
 * to code that may be alive and must hold none. Asked by the worker about itself and by the build about its file. Not
 * responsible for finding such instructions nor for where the parts are.
 */
#ifndef NW_WORKER_AUDIT_CODE_H
#define NW_WORKER_AUDIT_CODE_H

#include "protect/scan/scan.h"

enum nw__code_part {
    NW__CODE_GATE,
    NW__CODE_DEAD,
    /* Also what lies in two parts. */
    NW__CODE_ALIVE,
};

/* end excluded; empty when it is not above start. */
struct nw__code_range {
    uint64_t start, end;
};

/* Some of the dead code may lie in the gate. */
struct nw__code_map {
    struct nw__code_range gate;
    const struct nw__code_range *dead;
    size_t n_dead;
};

enum nw__code_part nw__code_part(const struct nw__code_map *map, const struct nw_scan_hit *hit);

#endif
