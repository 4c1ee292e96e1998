/*
 * Messages to a peer on a control socket. A peer that is busy may read late: what does not fit into the socket is kept,
 * in order, and sent when there is room. Not responsible for how long a peer may take.
 */
#ifndef NW_ENGINE_BASE_OUTBOX_H
#define NW_ENGINE_BASE_OUTBOX_H

#include "common/manifest/control.h"
#include "engine/base/list.h"
#include <stdbool.h>

#define NW_OUTBOX_MAX 4096 /* messages; a peer that leaves more unread is not reading at all */

struct nw_outbox {
    struct nw_list kept;
    unsigned n_kept;
};

bool nw_outbox_is_valid(const struct nw_outbox *outbox);

void nw_outbox_init(struct nw_outbox *outbox);

/* Drops what was kept, with its descriptors. The outbox is as after nw_outbox_init. */
void nw_outbox_clear(struct nw_outbox *outbox);

/* Sends or keeps one message, with copies of the descriptors. 0; -ENOBUFS when no more may be kept, -ENOMEM or -EMFILE
 * when it cannot be kept; or the error of the socket. */
int nw_outbox_send(struct nw_outbox *outbox, int socket, const struct nw_control *head, const char *text, size_t length,
                   const int *fds, int n_fds);

/* Sends what fits of what was kept. 0, or the error of the socket. */
int nw_outbox_flush(struct nw_outbox *outbox, int socket);

#endif
