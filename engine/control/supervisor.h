/* What `nightward up` says and is told (file descriptor 3), and signals. */
#ifndef NW_ENGINE_CONTROL_SUPERVISOR_H
#define NW_ENGINE_CONTROL_SUPERVISOR_H

struct nw_engine;

/* Takes the socket at file descriptor 3 and the signals. Ends the process with a message when there is no socket. */
void nw_supervisor_start(struct nw_engine *engine);

/* Says READY the first time that it is so. To be called before the loop waits. */
void nw_supervisor_tell_ready(struct nw_engine *engine);

void nw_supervisor_fini(struct nw_engine *engine);

#endif
