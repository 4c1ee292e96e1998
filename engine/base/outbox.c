/* The queue of outbox.h. */
#include "engine/base/outbox.h"
#include "common/base/valid.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kept {
    struct nw_list link; /* in outbox->kept */
    struct nw_control head;
    int fds[NW_CONTROL_FDS_MAX];
    int n_fds;
    size_t length;
    char text[];
};

bool nw_outbox_is_valid(const struct nw_outbox *outbox)
{
    unsigned n = 0;
    nw_list_each(&outbox->kept, at, walk)
    {
        const struct kept *kept = nw_container(at, struct kept, link);
        if (kept->n_fds < 0 || kept->n_fds > NW_CONTROL_FDS_MAX)
            return false;
        n++;
    }
    return n == outbox->n_kept && n <= NW_OUTBOX_MAX;
}

void nw_outbox_init(struct nw_outbox *outbox)
{
    nw_list_init(&outbox->kept);
    outbox->n_kept = 0;
}

static void kept_free(struct kept *kept)
{
    for (int i = 0; i < kept->n_fds; i++)
        close(kept->fds[i]);
    free(kept);
}

static struct kept *take_first(struct nw_outbox *outbox)
{
    struct kept *first = nw_container(outbox->kept.next, struct kept, link);
    nw_list_remove(&first->link);
    outbox->n_kept--;
    nw_check_valid(nw_outbox, outbox);
    return first;
}

void nw_outbox_clear(struct nw_outbox *outbox)
{
    while (outbox->n_kept)
        kept_free(take_first(outbox));
}

/* The socket is full, or more descriptors are on their way than the kernel allows: both end when peers read. */
static bool must_wait(int error)
{
    return error == -EAGAIN || error == -ETOOMANYREFS || error == -ENOBUFS;
}

static int copy_fds(struct kept *kept, const int *fds, int n_fds)
{
    for (; kept->n_fds < n_fds; kept->n_fds++) {
        int fd = fcntl(fds[kept->n_fds], F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return -errno;
        kept->fds[kept->n_fds] = fd;
    }
    return 0;
}

static int keep(struct nw_outbox *outbox, const struct nw_control *head, const char *text, size_t length,
                const int *fds, int n_fds)
{
    if (outbox->n_kept == NW_OUTBOX_MAX)
        return -ENOBUFS;
    struct kept *kept = malloc(sizeof *kept + length);
    if (!kept)
        return -ENOMEM;
    kept->head = *head;
    kept->n_fds = 0;
    kept->length = length;
    if (length)
        memcpy(kept->text, text, length);
    int rc = copy_fds(kept, fds, n_fds);
    if (rc < 0) {
        kept_free(kept);
        return rc;
    }
    nw_list_append(&outbox->kept, &kept->link);
    outbox->n_kept++;
    nw_check_valid(nw_outbox, outbox);
    return 0;
}

int nw_outbox_send(struct nw_outbox *outbox, int socket, const struct nw_control *head, const char *text, size_t length,
                   const int *fds, int n_fds)
{
    int rc = outbox->n_kept ? -EAGAIN : nw_control_send(socket, head, text, length, fds, n_fds);
    return must_wait(rc) ? keep(outbox, head, text, length, fds, n_fds) : rc;
}

int nw_outbox_flush(struct nw_outbox *outbox, int socket)
{
    while (outbox->n_kept) {
        const struct kept *first = nw_container(outbox->kept.next, struct kept, link);
        int rc = nw_control_send(socket, &first->head, first->text, first->length, first->fds, first->n_fds);
        if (rc < 0)
            return must_wait(rc) ? 0 : rc;
        kept_free(take_first(outbox));
    }
    return 0;
}
