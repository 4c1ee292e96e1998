/* The rules of backoff.h. */
#include "common/host/backoff.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define STABLE_MS 5000 /* what lived this long does not belong to a row */

static const struct {
    unsigned free; /* ends in a row without a pause */
    uint64_t first, most;
} rules[NW_ENDS] = {[NW_END_OWN] = {2, 100, 5000}, [NW_END_OTHER] = {16, 100, 500}};

uint64_t nw_backoff_pause(struct nw_backoff *backoff, enum nw_end cause, uint64_t lived)
{
    if (lived >= STABLE_MS)
        memset(backoff, 0, sizeof *backoff);
    uint64_t pause = rules[cause].first;
    unsigned n = ++backoff->ends[cause];
    if (n <= rules[cause].free)
        return 0;
    while (--n > rules[cause].free && pause < rules[cause].most)
        pause *= 2;
    return pause < rules[cause].most ? pause : rules[cause].most;
}

enum nw_end nw_backoff_cause(int wait_status)
{
    int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    return signal == SIGKILL || signal == SIGTERM ? NW_END_OTHER : NW_END_OWN;
}
