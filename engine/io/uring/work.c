/* Work on other threads for the io_uring backend. A few threads stay and wait for the next job, since to make one takes
 * the loop longer than most else that it does. While they all have one, each other job has a thread of its own: jobs
 * may wait for the disk for long. */
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

/* Lock held. The write is under the lock, too: who has taken the last job from the list may close the descriptor. */
static void finish(struct nw__uring *uring, struct nw__uring_job *job)
{
    nw_list_append(&uring->finished, &job->link);
    eventfd_write(uring->finished_fd, 1);
}

static void *job_run(void *arg)
{
    struct nw__uring_job *job = arg;
    struct nw__uring *uring = job->uring;
    job->work(job->arg);
    pthread_mutex_lock(&uring->lock);
    finish(uring, job);
    pthread_mutex_unlock(&uring->lock);
    return NULL;
}

/* One that stays is free again before anybody hears that its job is done. */
static void *hand_run(void *arg)
{
    struct nw__uring_hand *hand = arg;
    struct nw__uring *uring = hand->uring;
    pthread_mutex_lock(&uring->lock);
    while (!uring->hands_end) {
        struct nw__uring_job *job = hand->job;
        if (!job) {
            pthread_cond_wait(&hand->came, &uring->lock);
            continue;
        }
        pthread_mutex_unlock(&uring->lock);
        job->work(job->arg);
        pthread_mutex_lock(&uring->lock);
        hand->job = NULL;
        finish(uring, job);
    }
    pthread_mutex_unlock(&uring->lock);
    return NULL;
}

/* One that is free, or is made as none is. NULL: there are no more. Lock held. */
static struct nw__uring_hand *find_hand(struct nw__uring *uring)
{
    for (int i = 0; i < NW__URING_HANDS; i++) {
        struct nw__uring_hand *hand = &uring->hands[i];
        if (!hand->made)
            hand->made = pthread_create(&hand->thread, NULL, hand_run, hand) == 0;
        if (!hand->made)
            return NULL;
        if (!hand->job)
            return hand;
    }
    return NULL;
}

/* Whether a thread that stays has the job. */
static bool hand_over(struct nw__uring *uring, struct nw__uring_job *job)
{
    pthread_mutex_lock(&uring->lock);
    struct nw__uring_hand *hand = find_hand(uring);
    if (hand)
        hand->job = job;
    pthread_mutex_unlock(&uring->lock);
    if (hand)
        pthread_cond_signal(&hand->came);
    return hand;
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
        if (job->alone)
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
    for (int i = 0; i < NW__URING_HANDS; i++) {
        uring->hands[i].uring = uring;
        pthread_cond_init(&uring->hands[i].came, NULL);
    }
    return 0;
}

static void end_hands(struct nw__uring *uring)
{
    pthread_mutex_lock(&uring->lock);
    uring->hands_end = true;
    pthread_mutex_unlock(&uring->lock);
    for (int i = 0; i < NW__URING_HANDS; i++) {
        struct nw__uring_hand *hand = &uring->hands[i];
        pthread_cond_signal(&hand->came);
        if (hand->made)
            pthread_join(hand->thread, NULL);
        pthread_cond_destroy(&hand->came);
    }
}

void nw__uring_work_fini(struct nw__uring *uring)
{
    end_hands(uring);
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
    uring->living++;
    job->alone = !hand_over(uring, job);
    int rc = job->alone ? pthread_create(&job->thread, NULL, job_run, job) : 0;
    if (rc) {
        uring->living--;
        free(job);
        return -rc;
    }
    return 0;
}
