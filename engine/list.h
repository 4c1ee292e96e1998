/* A circular, intrusive, doubly linked list: a head and its members are all `struct nw_list`. */
#ifndef NW_ENGINE_LIST_H
#define NW_ENGINE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct nw_list {
    struct nw_list *next, *prev;
};

#define nw_container(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* A member that is in no list points at itself, so removing it again does no harm. */
static inline void nw_list_init(struct nw_list *list)
{
    list->next = list->prev = list;
}

static inline bool nw_list_empty(const struct nw_list *list)
{
    return list->next == list;
}

/* Adds behind `at`, which is a member or the head. */
static inline void nw_list_add(struct nw_list *at, struct nw_list *member)
{
    member->prev = at;
    member->next = at->next;
    at->next->prev = member;
    at->next = member;
}

static inline void nw_list_append(struct nw_list *head, struct nw_list *member)
{
    nw_list_add(head->prev, member);
}

static inline void nw_list_remove(struct nw_list *member)
{
    member->prev->next = member->next;
    member->next->prev = member->prev;
    nw_list_init(member);
}

/* Moves all members of `from` to the end of `to`. */
static inline void nw_list_splice(struct nw_list *to, struct nw_list *from)
{
    if (nw_list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    nw_list_init(from);
}

/* Walks a list; the current member may be removed meanwhile, no other. */
#define nw_list_each(head, at, after)                                                 \
    for (struct nw_list * (at) = (head)->next, *(after) = (at)->next; (at) != (head); \
         (at) = (after), (after) = (at)->next)

#endif
