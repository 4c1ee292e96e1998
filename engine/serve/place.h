/* Where the input of an invocation lies: which queue it chose, which block of its worker's arena. */
#ifndef NW_ENGINE_SERVE_PLACE_H
#define NW_ENGINE_SERVE_PLACE_H

#include "engine/serve/invocation.h"

/* An input of up to so many bytes is small: it does not wait for room that larger ones hold, of its function or of
 * others, as long as its function has few of them. */
#define NW_PLACE_SMALL 65536

/*
 * Sees to it that `inv` is bound to a worker that can run it and room for `need` bytes in the arena of its worker;
 * input that lies elsewhere moves there. `grows`: leave room for more. `first`: do not stand behind those that wait for
 * room. 0; -EAGAIN, with inv->wanted set, when there is no worker or no room now, or input is on its way there, after
 * which it is in engine->moved; -E2BIG when it never fits.
 */
int nw_place(struct nw_invocation *inv, size_t need, bool grows, bool first);

/* Among whom it waits for room. */
static inline enum nw_room_kind nw__place_kind(const struct nw_invocation *inv, bool little)
{
    if (inv->depth)
        return little ? NW_ROOM_NESTED_LITTLE : NW_ROOM_NESTED;
    return little ? NW_ROOM_LITTLE : NW_ROOM_OTHERS;
}

/* Whether an input of `total` bytes goes into the descriptor and so needs no room. For one that grows the
 * total is not known, and it does not. */
bool nw_place_small(struct nw_invocation *inv, size_t total, bool grows);

/* Whether an input of `total` bytes, with the record of its request, arrives in private memory: it is small, or nothing
 * but the record. */
bool nw_place_private(struct nw_invocation *inv, size_t total, bool grows);

/* Makes room for `length` bytes more of an input that arrives in private memory. 0 or -ENOMEM. When too much of that is
 * in use inv->owes is set: then it must get no more until nw_place_pay says that it may. */
int nw_place_spool(struct nw_invocation *inv, size_t length);
bool nw_place_pay(struct nw_invocation *inv);

/* The input is complete: it waits for no client any more. */
void nw_place_arrived(struct nw_invocation *inv);

/* Its worker has read the input from its block, of which only the record of the request is left from now on. */
void nw_place_read(struct nw_invocation *inv);

/* Gives up the block of an input, if it has one. */
void nw__place_drop_block(struct nw_invocation *inv);

/* Gives up the private memory of an input; where it moves to, if it does. */
void nw__place_drop_spilled(struct nw_invocation *inv);
void nw__place_stop(struct nw_invocation *inv);

/* Lets go of the queue. A block in the arena of a lost worker is kept, until the input has moved on. */
void nw_place_forget(struct nw_invocation *inv);

#endif
