/* See log_share.h. */
#include "worker/account/log_share.h"
#include "common/base/log.h"
#include "common/manifest/resources.h"
#include "protect/gate/without.h"
#include "worker/base/now.h"
#include <pthread.h>

#define SECOND 1000000000ull

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the shares of all domains */

bool nw_may_log(struct nw_log_share *share, const char *name)
{
    uint64_t second = nw_now() / SECOND, n;

    if (nw_without(NW_DEFENCE_LOG))
        return true;
    pthread_mutex_lock(&lock);
    if (second != share->second) {
        share->second = second;
        share->lines = 0;
    }
    n = share->lines++;
    pthread_mutex_unlock(&lock);
    if (n == NW_LIMIT_LOG_LINES)
        nw_log(NW_LOG_WARN, "function %s: more lines this second are dropped", name);
    return n < NW_LIMIT_LOG_LINES;
}

uint64_t nw__log_share_lines(const struct nw_log_share *share)
{
    uint64_t n;

    pthread_mutex_lock(&lock);
    n = share->second == nw_now() / SECOND ? share->lines : 0;
    pthread_mutex_unlock(&lock);
    return n < NW_LIMIT_LOG_LINES ? n : NW_LIMIT_LOG_LINES;
}
