/*
 * Names in their order, so that a long list can be shown in parts: libc's tree. To add, remove or find one takes about
 * the logarithm of how many there are.
 */
#ifndef NW_ENGINE_LOOKUP_ORDER_H
#define NW_ENGINE_LOOKUP_ORDER_H

/* All zero: empty. */
struct nw_order {
    void *root;
};

/* Adds a name, which is where it is, and must not change, while it is in; no other is the same. 0 or -ENOMEM. */
int nw_order_add(struct nw_order *order, const char *name);
void nw_order_remove(struct nw_order *order, const char *name);

/* The first name that comes behind `name`, as it was added, also when `name` is not in; NULL when there is none. */
const char *nw_order_behind(const struct nw_order *order, const char *name);

/* Forgets all names. */
void nw_order_fini(struct nw_order *order);

#endif
