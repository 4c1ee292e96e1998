/* What belongs to nobody in the store: looked for once the engine is ready, since that need not wait for it. */
#ifndef NW_ENGINE_CONTROL_UNLISTED_H
#define NW_ENGINE_CONTROL_UNLISTED_H

struct nw_controller;

/* Looks through the store on another thread. What is found is logged, and shown in the status from then on. */
void nw__unlisted_look(struct nw_controller *controller);

#endif
