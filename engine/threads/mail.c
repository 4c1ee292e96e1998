/* The boxes of mail.h: a list under a lock, and an eventfd that the receiver's loop watches. */
#include "engine/threads/mail.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int nw__mailbox_init(struct nw_mailbox *box)
{
    *box = (struct nw_mailbox){.lock = PTHREAD_MUTEX_INITIALIZER};
    nw_list_init(&box->mail);
    box->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return box->bell < 0 ? -errno : 0;
}

void nw__mailbox_read(struct nw_mailbox *box)
{
    struct nw_list taken;
    nw_list_init(&taken);
    pthread_mutex_lock(&box->lock);
    nw_list_splice(&taken, &box->mail);
    pthread_mutex_unlock(&box->lock);
    while (!nw_list_empty(&taken)) {
        struct nw_mail *mail = nw_container(taken.next, struct nw_mail, link);
        nw_list_remove(&mail->link);
        mail->read(box->reader, mail);
    }
}

static void rung(void *arg)
{
    struct nw_mailbox *box = arg;
    uint64_t count;
    ssize_t ignored = read(box->bell, &count, sizeof count);
    (void)ignored;
    nw__mailbox_read(box);
}

int nw__mailbox_open(struct nw_mailbox *box, struct nw_io *io, void *reader)
{
    box->reader = reader;
    box->watch = nw_io_watch_new(io, box->bell, rung, box);
    return box->watch ? 0 : -errno;
}

void nw__mailbox_close(struct nw_mailbox *box)
{
    if (box->watch)
        nw_io_watch_free(box->watch);
    box->watch = NULL;
}

void nw__mailbox_fini(struct nw_mailbox *box)
{
    close(box->bell);
    pthread_mutex_destroy(&box->lock);
}

void nw__mail_send(struct nw_mailbox *box, struct nw_mail *mail)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&box->lock);
    nw_list_append(&box->mail, &mail->link);
    pthread_mutex_unlock(&box->lock);
    ssize_t ignored = write(box->bell, &one, sizeof one); /* full: the reader was woken already */
    (void)ignored;
}
