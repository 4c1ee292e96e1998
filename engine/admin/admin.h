/* The admin API: HTTP on the Unix socket STATE/admin.sock. */
#ifndef NW_ENGINE_ADMIN_ADMIN_H
#define NW_ENGINE_ADMIN_ADMIN_H

struct nw_controller;

/* Makes the server of the admin API and listens. Ends the process with a message when it cannot. */
void nw_admin_start(struct nw_controller *controller);

#endif
