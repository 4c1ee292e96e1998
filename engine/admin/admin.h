/* The admin API: HTTP on the Unix socket STATE/admin.sock. */
#ifndef NW_ENGINE_ADMIN_ADMIN_H
#define NW_ENGINE_ADMIN_ADMIN_H

struct nw_engine;

/* Makes engine->admin and listens. Ends the process with a message when it cannot. */
void nw_admin_start(struct nw_engine *engine);

#endif
