/* See blame.h. */
#include "engine/placement/blame.h"

bool nw_blame_more(const struct nw_suspect *a, const struct nw_suspect *b)
{
    if (!a->begun || !b->begun)
        return a->begun;
    if (a->completed != b->completed)
        return a->completed < b->completed;
    return a->blamed > b->blamed;
}
