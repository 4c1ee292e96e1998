/* Limits the lines of the log that a domain may write each second, so that none drowns the others. */
#ifndef NW_WORKER_ACCOUNT_LOG_SHARE_H
#define NW_WORKER_ACCOUNT_LOG_SHARE_H

#include <stdbool.h>
#include <stdint.h>

/* Part of an account (share.h). */
struct nw_log_share {
    uint64_t second, lines; /* the last in which there were lines, and how many */
};

/* Whether another line about the function called `name` fits this second. The first that does not is logged. Whatever
 * locks are held. */
bool nw_may_log(struct nw_log_share *share, const char *name);

/* How many lines it wrote this second so far. */
uint64_t nw__log_share_lines(const struct nw_log_share *share);

#endif
