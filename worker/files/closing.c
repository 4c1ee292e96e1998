/* See closing.h. */
#include "worker/files/closing.h"
#include "protect/gate/without.h"
#include "worker/account/share.h"
#include "worker/files/files.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGE (1l << 20) /* of the cache, what is given back in less than 100 us */

struct closing {
    struct closing *next;
    struct nw_files *files;
    int fd;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows and of nw_files.n_closing; the last taken */
static pthread_cond_t came = PTHREAD_COND_INITIALIZER, gone = PTHREAD_COND_INITIALIZER;
static struct closing *first, **last = &first;

static void close_now(struct nw_files *files, int fd)
{
    close(fd);
    if (files)
        nw_share_give(files->account, NW_RESOURCE_DESCRIPTORS, 1);
}

/* Of a large file that has no name any more, or that may have been written: file systems begin then to store it. */
static bool takes_long(int fd)
{
    struct stat st;

    if (nw_without(NW_DEFENCE_PIECES) || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= LARGE)
        return false;
    return st.st_nlink == 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

void nw_close(struct nw_files *files, int fd)
{
    struct closing *c = takes_long(fd) ? malloc(sizeof(*c)) : NULL;

    if (!c) {
        close_now(files, fd);
        return;
    }
    *c = (struct closing){.files = files, .fd = fd};
    pthread_mutex_lock(&lock);
    *last = c;
    last = &c->next;
    if (files)
        files->n_closing++;
    pthread_cond_signal(&came);
    pthread_mutex_unlock(&lock);
}

/* Lock held. */
static struct closing *take(struct closing **link)
{
    struct closing *c = *link;

    *link = c->next;
    if (last == &c->next)
        last = link;
    return c;
}

/* The first file of the domain, or NULL. Lock held. */
static struct closing *take_of(const struct nw_files *files)
{
    struct closing **link = &first;

    while (*link && (*link)->files != files)
        link = &(*link)->next;
    return *link ? take(link) : NULL;
}

/* Domains take turns: the first file of another domain than the last time, or else the first. So nobody waits for more
 * than one file of a domain that closes many. Lock held; the list is not empty. */
static struct closing *take_next(void)
{
    static const struct nw_files *before;
    struct closing **link = &first;

    while (*link && (*link)->files == before)
        link = &(*link)->next;
    link = *link ? link : &first;
    before = (*link)->files;
    return take(link);
}

/* Lock held, but not while it closes. */
static void carry_out(struct closing *c)
{
    pthread_mutex_unlock(&lock);
    close_now(c->files, c->fd);
    pthread_mutex_lock(&lock);
    if (c->files && --c->files->n_closing == 0)
        pthread_cond_broadcast(&gone);
    free(c);
}

void nw__closing_finish(struct nw_files *files)
{
    struct closing *c;

    pthread_mutex_lock(&lock);
    while (files->n_closing > 0) {
        c = take_of(files);
        if (c)
            carry_out(c);
        else
            pthread_cond_wait(&gone, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static noreturn void *close_all(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!first)
            pthread_cond_wait(&came, &lock);
        carry_out(take_next());
    }
}

int nw_closing_init(void)
{
    pthread_t thread;

    return -pthread_create(&thread, NULL, close_all, NULL);
}
