/*
 * What comes out of the ring of a worker: checked, and handed on to who it is for. What breaks the rules ends the
 * worker (nw_link_break).
 */
#ifndef NW_ENGINE_DISPATCH_RECEIVE_H
#define NW_ENGINE_DISPATCH_RECEIVE_H

struct nw_link;

/* Takes what is in the ring, and sends what waited for room. The number of descriptors taken. */
unsigned nw_receive(struct nw_link *link);

/* The worker is lost: delivers the answers that it still gave, unless it lied. What else is in the ring is void. */
void nw_receive_last(struct nw_link *link);

#endif
