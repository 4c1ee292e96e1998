/* The treap of order.h. A node's priority is a hash of its name; a parent has a higher one than its children, or the
 * same and a name that comes first. So the shape depends on nothing but the names, and is likely to be shallow. */
#include "engine/lookup/order.h"
#include "engine/lookup/table.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static uint64_t priority(const char *name)
{
    return nw_table_hash(name, strlen(name)) * 0x9e3779b97f4a7c15u;
}

static bool is_above(const struct nw_order *order, const struct nw_order_node *one, const struct nw_order_node *other)
{
    const char *name = order->name(one), *other_name = order->name(other);
    uint64_t mine = priority(name), its = priority(other_name);
    return mine != its ? mine > its : strcmp(name, other_name) < 0;
}

/* Parts the tree below `node` into one with the names before `name`, and one with the others. */
static void part(const struct nw_order *order, struct nw_order_node *node, const char *name,
                 struct nw_order_node **before, struct nw_order_node **behind)
{
    while (node) {
        if (strcmp(order->name(node), name) < 0) {
            *before = node;
            before = &node->right;
            node = node->right;
        } else {
            *behind = node;
            behind = &node->left;
            node = node->left;
        }
    }
    *before = *behind = NULL;
}

static void join(const struct nw_order *order, struct nw_order_node *before, struct nw_order_node *behind,
                 struct nw_order_node **at)
{
    while (before && behind) {
        bool first = is_above(order, before, behind);
        struct nw_order_node *top = first ? before : behind;
        *at = top;
        at = first ? &top->right : &top->left;
        if (first)
            before = top->right;
        else
            behind = top->left;
    }
    *at = before ? before : behind;
}

/* The pointer to a node; for a new one, the pointer that is to point to it: the first on its way down whose node
 * belongs below it. */
static struct nw_order_node **place(struct nw_order *order, const struct nw_order_node *node)
{
    struct nw_order_node **at = &order->root;
    while (*at && *at != node && is_above(order, *at, node))
        at = strcmp(order->name(node), order->name(*at)) < 0 ? &(*at)->left : &(*at)->right;
    return at;
}

void nw_order_add(struct nw_order *order, struct nw_order_node *node)
{
    struct nw_order_node **at = place(order, node), *below = *at;
    *at = node;
    part(order, below, order->name(node), &node->left, &node->right);
}

void nw_order_remove(struct nw_order *order, struct nw_order_node *node)
{
    join(order, node->left, node->right, place(order, node));
}

struct nw_order_node *nw_order_behind(const struct nw_order *order, const char *name)
{
    struct nw_order_node *node = order->root, *found = NULL;
    while (node) {
        bool behind = strcmp(order->name(node), name) > 0;
        if (behind)
            found = node;
        node = behind ? node->left : node->right;
    }
    return found;
}
