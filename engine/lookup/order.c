/* See order.h. */
#include "engine/lookup/order.h"
#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <string.h>

static int compare(const void *one, const void *other)
{
    return strcmp(one, other);
}

int nw_order_add(struct nw_order *order, const char *name)
{
    return tsearch(name, &order->root, compare) ? 0 : -ENOMEM;
}

void nw_order_remove(struct nw_order *order, const char *name)
{
    tdelete(name, &order->root, compare);
}

struct seek {
    const char *name;
    const char **found;
};

/* Is equal to no name, so the search goes down to the end; the last name on its way that comes behind is the first of
 * those. */
static int seek(const void *key, const void *other)
{
    const struct seek *seek = key;
    if (strcmp(seek->name, other) >= 0)
        return 1;
    *seek->found = other;
    return -1;
}

const char *nw_order_behind(const struct nw_order *order, const char *name)
{
    const char *found = NULL;
    tfind(&(struct seek){name, &found}, &order->root, seek);
    return found;
}

static void keep(void *name)
{
    (void)name;
}

void nw_order_fini(struct nw_order *order)
{
    tdestroy(order->root, keep);
    order->root = NULL;
}
