/* See function.h. */
#include "worker/domain/function.h"
#include "worker/base/limits.h"
#include <stddef.h>

static struct nw_function functions[NW_FUNCTIONS_MAX];

struct nw_function *nw_function_after(const struct nw_function *f)
{
    for (size_t i = f ? (size_t)(f - functions) + 1 : 0; i < NW_FUNCTIONS_MAX; i++)
        if (functions[i].state != NW_FUNCTION_NONE)
            return &functions[i];
    return NULL;
}

struct nw_function *nw_function_find(uint32_t deployment)
{
    for (size_t i = 0; i < NW_FUNCTIONS_MAX; i++) {
        struct nw_function *f = &functions[(deployment + i) % NW_FUNCTIONS_MAX];

        if (f->state != NW_FUNCTION_NONE && f->deployment == deployment)
            return f;
    }
    return NULL;
}

struct nw_function *nw_function_take(uint32_t deployment)
{
    for (size_t i = 0; i < NW_FUNCTIONS_MAX; i++) {
        struct nw_function *f = &functions[(deployment + i) % NW_FUNCTIONS_MAX];

        if (f->state == NW_FUNCTION_NONE)
            return f;
    }
    return NULL;
}
