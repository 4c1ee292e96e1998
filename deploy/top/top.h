/* How busy each function is, again and again, from what /metrics says at two moments. */
#ifndef NW_DEPLOY_TOP_TOP_H
#define NW_DEPLOY_TOP_TOP_H

#include <stdbool.h>
#include <stdint.h>

struct nw_top {
    const char *state;    /* directory */
    uint64_t interval_ms; /* between two looks */
    bool once, json;
};

/* Shows it, once or until it is ended by a signal or nobody reads any more. The exit status. */
int nw_top_run(const struct nw_top *top);

#endif
