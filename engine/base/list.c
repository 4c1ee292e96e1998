/* The walks of list.h. They nest, so each thread has them on its stack and knows the innermost. */
#include "engine/base/list.h"

_Thread_local struct nw_list_cursor *nw__list_cursors;

void nw__list_step_over(const struct nw_list *member)
{
    for (struct nw_list_cursor *cursor = nw__list_cursors; cursor; cursor = cursor->outer)
        if (cursor->next == member)
            cursor->next = member->next;
}

void nw__list_end_walks(const struct nw_list *head)
{
    for (struct nw_list_cursor *cursor = nw__list_cursors; cursor; cursor = cursor->outer)
        if (cursor->head == head)
            cursor->next = (struct nw_list *)head;
}
