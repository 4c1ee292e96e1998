/*
 * How the threads of the engine tell each other something: mail that is read on the loop of the receiver, in the order
 * of its sending. Not for what a request needs: that stays on one thread.
 */
#ifndef NW_ENGINE_THREADS_MAIL_H
#define NW_ENGINE_THREADS_MAIL_H

#include "engine/base/list.h"
#include "engine/io/io.h"
#include <pthread.h>

struct nw_mail {
    struct nw_list link;
    void (*read)(void *reader, struct nw_mail *mail); /* called once, on the receiver's loop; it owns the mail then */
};

struct nw_mailbox {
    pthread_mutex_t lock;
    struct nw_list mail;
    int bell;
    struct nw_io_watch *watch;
    void *reader;
};

/* A box that mail may be sent to. 0 or negative errno. */
int nw__mailbox_init(struct nw_mailbox *box);

/* From now on its mail is read on this loop, on whose thread we are. 0 or negative errno. */
int nw__mailbox_open(struct nw_mailbox *box, struct nw_io *io, void *reader);

/* Reads what is in it, on the receiver's thread. */
void nw__mailbox_read(struct nw_mailbox *box);

/* The receiver's loop does not look at it any more; and nobody sends any more. */
void nw__mailbox_close(struct nw_mailbox *box);
void nw__mailbox_fini(struct nw_mailbox *box);

void nw__mail_send(struct nw_mailbox *box, struct nw_mail *mail);

#endif
