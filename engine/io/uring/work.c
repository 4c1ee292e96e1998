/* Work on other threads for the io_uring backend: a thread for each job, for jobs are rare and wait for the disk. */
#include "common/base/valid.h"
#include "engine/io/uring/objects.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool nw__uring_job_is_valid(const struct nw__uring_job *job)
{
    return nw_list_is_valid(&job->link) && job->work && job->done && job->uring->living;
}

/* The write is under the lock, too: who has taken the last job from the list may close the descriptor. */
static void *job_run(void *arg)
{
    struct nw__uring_job *job = arg;
    struct nw__uring *uring = job->uring;
    job->work(job->arg);
    pthread_mutex_lock(&uring->lock);
    nw_list_append(&uring->finished, &job->link);
    eventfd_write(uring->finished_fd, 1);
    pthread_mutex_unlock(&uring->lock);
    return NULL;
}

static struct nw__uring_job *next_finished(struct nw__uring *uring)
{
    struct nw__uring_job *job = NULL;
    pthread_mutex_lock(&uring->lock);
    if (!nw_list_empty(&uring->finished)) {
        job = nw_container(uring->finished.next, struct nw__uring_job, link);
        nw_list_remove(&job->link);
    }
    pthread_mutex_unlock(&uring->lock);
    return job;
}

static void some_finished(void *arg)
{
    struct nw__uring *uring = arg;
    struct nw__uring_job *job;
    eventfd_t count;
    (void)eventfd_read(uring->finished_fd, &count);
    while ((job = next_finished(uring))) {
        pthread_join(job->thread, NULL);
        nw_check_valid(nw__uring_job, job);
        uring->living--;
        job->done(job->arg);
        free(job);
    }
}

int nw__uring_work_init(struct nw__uring *uring)
{
    uring->finished_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (uring->finished_fd < 0)
        return -errno;
    uring->finished_watch = nw_io_watch_new(&uring->base, uring->finished_fd, some_finished, uring);
    if (!uring->finished_watch) {
        close(uring->finished_fd);
        return -ENOMEM;
    }
    nw_list_init(&uring->finished);
    pthread_mutex_init(&uring->lock, NULL);
    return 0;
}

void nw__uring_work_fini(struct nw__uring *uring)
{
    nw_io_watch_free(uring->finished_watch);
    close(uring->finished_fd);
    pthread_mutex_destroy(&uring->lock);
}

int nw__uring_offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
    struct nw__uring *uring = (struct nw__uring *)io;
    struct nw__uring_job *job = malloc(sizeof *job);
    if (!job)
        return -ENOMEM;
    *job = (struct nw__uring_job){.uring = uring, .work = work, .done = done, .arg = arg};
    nw_list_init(&job->link);
    int rc = pthread_create(&job->thread, NULL, job_run, job);
    if (rc) {
        free(job);
        return -rc;
    }
    uring->living++;
    return 0;
}
