/*
 * Members in the order of their names, so that a long list can be shown in parts: a treap, whose members contain a
 * `struct nw_order_node`. To add, remove or find one takes about the logarithm of how many there are.
 */
#ifndef NW_ENGINE_LOOKUP_ORDER_H
#define NW_ENGINE_LOOKUP_ORDER_H

#include <stdint.h>

struct nw_order_node {
    struct nw_order_node *left, *right;
};

struct nw_order {
    struct nw_order_node *root; /* NULL: empty */
    const char *(*name)(const struct nw_order_node *node);
};

/* Adds a member. No other may have its name, which must not change while it is in. */
void nw_order_add(struct nw_order *order, struct nw_order_node *node);
void nw_order_remove(struct nw_order *order, struct nw_order_node *node);

/* The first member whose name comes behind `name`, also when no member has that; NULL when there is none. */
struct nw_order_node *nw_order_behind(const struct nw_order *order, const char *name);

#endif
