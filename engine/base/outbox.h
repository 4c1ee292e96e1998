/*
 * Messages on their way to a peer on a control socket. A peer that is busy reads late, which is no fault of it: what
 * does not fit into the socket now is kept, in order, and sent when there is room. How long it may be late is for those
 * who wait for its answers to say.
 */
#ifndef NW_ENGINE_BASE_OUTBOX_H
#define NW_ENGINE_BASE_OUTBOX_H

#include "common/manifest/control.h"
#include "engine/base/list.h"
#include <stdbool.h>

#define NW_OUTBOX_MOST 4096 /* messages kept; a peer that lets more pile up is not reading */

struct nw_outbox {
    struct nw_list kept;
    unsigned n_kept;
};

bool nw_outbox_is_valid(const struct nw_outbox *outbox);

void nw_outbox_init(struct nw_outbox *outbox);

/* Closes the descriptors of what was kept. The outbox is as new. */
void nw_outbox_clear(struct nw_outbox *outbox);

/* Sends or keeps one message, with copies of the descriptors. 0; -ENOBUFS when no more may be kept, -ENOMEM or -EMFILE
 * when it cannot be kept; or the error of the socket. */
int nw_outbox_send(struct nw_outbox *outbox, int socket, const struct nw_control *head, const char *text, size_t length,
                   const int *fds, int n_fds);

/* Sends what fits of what was kept. 0, or the error of the socket. */
int nw_outbox_flush(struct nw_outbox *outbox, int socket);

#endif
