/* The policies by which slots of a worker have turns, the same words in flags, messages and documentation. What they do
 * is in worker/turn/. */
#ifndef NW_COMMON_HOST_POLICY_H
#define NW_COMMON_HOST_POLICY_H

#include <errno.h>
#include <string.h>

enum nw_policy {
    NW_POLICY_LEVELS,     /* brief ones first, long ones behind them: the default */
    NW_POLICY_COMPLETION, /* in the order in which they came, each until it is done or waits */
    NW_POLICY_ROBIN,      /* in turn, a quantum each */
    NW_POLICY_DEADLINE,   /* whose deadline is first */
    NW_POLICY_FAIR,       /* whose function has used the least time */
    NW_POLICIES,
};

#define NW_POLICY_WORDS "levels, completion, robin, deadline or fair"

static inline const char *nw_policy_name(enum nw_policy policy)
{
    static const char *const names[NW_POLICIES] = {"levels", "completion", "robin", "deadline", "fair"};

    return names[policy];
}

/* Or -EINVAL. */
static inline int nw_policy_parse(const char *text)
{
    for (int i = 0; i < NW_POLICIES; i++)
        if (strcmp(text, nw_policy_name((enum nw_policy)i)) == 0)
            return i;
    return -EINVAL;
}

#endif
