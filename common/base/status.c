/* The rows of the status table, for the callers of status.h. */
#include "common/base/status.h"

static const struct nw_status_info rows[NW_STATUS_COUNT] = {
#define X(name, http, code, outcome, text) [NW_STATUS_##name] = {http, code, NW_OUTCOME_##outcome, text},
    NW_STATUS_TABLE(X)
#undef X
};

const struct nw_status_info *nw_status_info(uint32_t status)
{
    return &rows[status < NW_STATUS_COUNT ? status : NW_STATUS_INTERNAL];
}

const char *nw_outcome_word(enum nw_outcome outcome)
{
    static const char *const words[] = {
#define X(name, word) [NW_OUTCOME_##name] = (word),
        NW_OUTCOME_TABLE(X)
#undef X
    };
    return words[outcome];
}
