/* The call sites of one function, out of its files. */
#ifndef NW_DEPLOY_CALLSCAN_SCAN_SCAN_H
#define NW_DEPLOY_CALLSCAN_SCAN_SCAN_H

#include "common/base/buffer.h"
#include "common/sites/sites.h"

#define NW_SCAN_FILES_MAX 64
#define NW_SCAN_WHY_SIZE  1024

/* A function of an application: its name, its files, and what was found in them. */
struct nw_scanned {
    char name[64];
    char *argument; /* that the files are parts of */
    char *files[NW_SCAN_FILES_MAX];
    unsigned n_files;
    struct nw_sites sites;
};

/*
 * Reads the files, puts them together and finds the sites, in a process of its own that may take 4 GiB of memory and
 * 60 s: LLVM does not promise to survive what is damaged. 0, or -EINVAL with the reason.
 */
int nw_scan(struct nw_scanned *scanned, char *why, size_t why_size);

#endif
