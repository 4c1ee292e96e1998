/*
 * Whether something that costs time and may be in vain is worth another try, by how it went lately: after several tries
 * in vain it is left, and tried again now and then.
 */
#ifndef NW_COMMON_SHM_CREDIT_H
#define NW_COMMON_SHM_CREDIT_H

#include <stdbool.h>

struct nw_credit {
    int left; /* > 0: tries in vain until it is left; else how often it was left since, negative */
};

#define NW_CREDIT_MOST   8
#define NW_CREDIT_LEAST  (-64)
#define NW_CREDIT_REWARD 4

static inline bool nw_credit_allows(struct nw_credit *credit)
{
    if (credit->left > 0)
        return true;
    credit->left = credit->left <= NW_CREDIT_LEAST ? 1 : credit->left - 1;
    return false;
}

/* How a try went. */
static inline void nw_credit_paid(struct nw_credit *credit)
{
    credit->left += credit->left < NW_CREDIT_MOST ? NW_CREDIT_REWARD : 0;
}

static inline void nw_credit_vain(struct nw_credit *credit)
{
    credit->left--;
}

#endif
