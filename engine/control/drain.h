/* Orderly shutdown: nothing new begins, and what runs may finish within a time limit. */
#ifndef NW_ENGINE_CONTROL_DRAIN_H
#define NW_ENGINE_CONTROL_DRAIN_H

struct nw_controller;

/* Accepts nothing new and lets finish what runs. Called a second time, it ends the loop at once. */
void nw__drain_begin(struct nw_controller *controller);

/* Ends the loop when nothing runs any more, or the time is over. */
void nw__drain_tick(struct nw_controller *controller);

#endif
