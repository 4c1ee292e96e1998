/*
 * A circular, intrusive, doubly linked list: a head and its members are all `struct nw_list`.
 *
 * While a list is walked any of its members may be removed, freed, or moved to another list, by whatever the body
 * calls: the walks under way on this thread are known (nw__list_cursors), and a removal moves those that would come to
 * the removed member next.
 */
#ifndef NW_ENGINE_BASE_LIST_H
#define NW_ENGINE_BASE_LIST_H

#include "common/base/valid.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_list {
    struct nw_list *next, *prev;
};

#define nw_container(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* A walk under way. */
struct nw_list_cursor {
    const struct nw_list *head;
    struct nw_list *next;         /* the next member; the head when there is none */
    struct nw_list_cursor *outer; /* the walk inside of which this one began */
};

extern _Thread_local struct nw_list_cursor *nw__list_cursors;

/* For the functions below: a member is about to be removed; a list is about to lose all its members. */
void nw__list_step_over(const struct nw_list *member);
void nw__list_end_walks(const struct nw_list *head);

/* A member that is in no list points at itself, so removing it again does no harm. */
static inline void nw_list_init(struct nw_list *list)
{
    list->next = list->prev = list;
}

static inline bool nw_list_empty(const struct nw_list *list)
{
    return list->next == list;
}

/* Of a head or a member: whether its neighbours point back at it. */
static inline bool nw_list_is_valid(const struct nw_list *list)
{
    return list->next && list->prev && list->next->prev == list && list->prev->next == list;
}

/* Adds behind `at`, which is a member or the head. */
static inline void nw_list_add(struct nw_list *at, struct nw_list *member)
{
    nw_check_valid(nw_list, at);
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
    nw_check_valid(nw_list, member);
    if (nw__list_cursors)
        nw__list_step_over(member);
    member->prev->next = member->next;
    member->next->prev = member->prev;
    nw_list_init(member);
}

/* Moves all members of `from` to the end of `to`. Walks of `from` end. */
static inline void nw_list_splice(struct nw_list *to, struct nw_list *from)
{
    nw_check_valid(nw_list, to);
    nw_check_valid(nw_list, from);
    if (nw_list_empty(from))
        return;
    if (nw__list_cursors)
        nw__list_end_walks(from);
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    nw_list_init(from);
}

static inline struct nw_list_cursor *nw__list_begin(struct nw_list_cursor *cursor)
{
    cursor->next = cursor->head->next;
    cursor->outer = nw__list_cursors;
    nw__list_cursors = cursor;
    return cursor;
}

/* The head itself may be gone by the time that the walk ends. */
static inline struct nw_list *nw__list_next(struct nw_list_cursor *cursor)
{
    struct nw_list *at = cursor->next;
    if (at == cursor->head)
        return NULL;
    cursor->next = at->next;
    return at;
}

static inline void nw__list_end(struct nw_list_cursor *cursor)
{
    nw__list_cursors = cursor->outer;
}

/*
 * Walks a list: `at` is each member in turn, `cursor` the name of the walk, which ends however the loop is left.
 * Members that are added meanwhile may be met or not.
 */
#define nw_list_each(list, at, cursor)                                                           \
    for (struct nw_list_cursor cursor __attribute__((cleanup(nw__list_end))) = {.head = (list)}, \
                                      *cursor##_walk = nw__list_begin(&(cursor));                \
         cursor##_walk; cursor##_walk = NULL)                                                    \
        for (struct nw_list * (at); ((at) = nw__list_next(&(cursor)));)

#endif
