/* See load.h. One thread that sleeps until an answer comes or a request is due; it never spins, for it shares its
 * processors with what it loads. */
#include "bench/tools/load.h"
#include "common/base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define GRACE_NS   2000000000u
#define EVENTS     64
#define TIMES_SEED 14

struct slot {
    struct nw_http_client client;
    const struct nw_http_request *request; /* sent last */
    uint64_t due, freed;
};

struct run {
    const struct nw_load_plan *plan;
    const struct nw_http_request *requests;
    struct nw_load_result *result;
    struct slot *slots;
    struct slot **idle; /* a stack */
    unsigned n_idle, n_broken;
    uint64_t *due_after;              /* ns from the start to when each request falls due, and one more; NULL: evenly */
    uint64_t start, end;              /* in a closed loop nothing is sent from `end` on */
    uint64_t next, done, last_answer; /* next: the number of the request that falls due next */
    int epoll;
};

static uint64_t due(const struct run *run, uint64_t number)
{
    if (run->due_after)
        return run->start + run->due_after[number];
    return run->plan->rate > 0 ? run->start + (uint64_t)((double)number * 1e9 / run->plan->rate) : run->start;
}

static uint64_t since(uint64_t then, uint64_t now)
{
    return now > then ? now - then : 0;
}

static void tell(const struct run *run, const struct slot *slot, int status, uint64_t ns)
{
    if (run->plan->over)
        run->plan->over(run->plan->arg, (unsigned)(slot->request - run->requests), status, ns);
}

static int open_slot(struct run *run, struct slot *slot)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = slot};
    int result = nw__http_client_open(&slot->client, run->requests);

    if (result)
        return result;
    if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, slot->client.fd, &event)) {
        result = -errno;
        nw__http_client_close(&slot->client);
        return result;
    }
    slot->freed = nw_clock_ns();
    run->idle[run->n_idle++] = slot;
    return 0;
}

/* The slot has no request any more: it is idle again, on a new connection if the server closed the old one. */
static void release(struct run *run, struct slot *slot)
{
    if (slot->client.fd < 0) {
        if (open_slot(run, slot))
            run->n_broken++;
        return;
    }
    slot->freed = nw_clock_ns();
    run->idle[run->n_idle++] = slot;
}

static void settle(struct run *run, struct slot *slot, enum nw_http_outcome outcome)
{
    if (outcome == NW_HTTP_PENDING)
        return;
    run->done++;
    run->last_answer = nw_clock_ns();
    if (outcome == NW_HTTP_ANSWERED)
        nw_histogram_add(&run->result->latency, since(slot->due, run->last_answer));
    else
        run->result->failed++;
    tell(run, slot, slot->client.status, since(slot->due, run->last_answer));
    if (outcome == NW_HTTP_ANSWERED && !nw__http_client_as_expected(&slot->client, slot->request))
        run->result->wrong++;
    release(run, slot);
}

/* Whether there are requests left to send, now or later. */
static bool more(const struct run *run, uint64_t now)
{
    if (run->plan->rate > 0)
        return run->next < run->result->requests;
    return now < run->end && (!run->plan->most || run->next < run->plan->most);
}

static const struct nw_http_request *draw(const struct run *run)
{
    return run->requests + (run->plan->draw ? nw_draw_next(run->plan->draw) : 0);
}

/* Sends what is due while there are idle connections. */
static void send_due(struct run *run)
{
    uint64_t now = nw_clock_ns();

    while (run->n_idle && more(run, now) && due(run, run->next) <= now) {
        struct slot *slot = run->idle[--run->n_idle];
        slot->due = run->plan->rate > 0 ? due(run, run->next) : now;
        slot->request = draw(run);
        run->next++;
        nw_histogram_add(&run->result->lateness, since(slot->due > slot->freed ? slot->due : slot->freed, now));
        settle(run, slot, nw__http_client_begin(&slot->client, slot->request));
    }
}

/* Idle connections that the server closes are taken off the stack and replaced. */
static void drop_idle(struct run *run, struct slot *slot)
{
    for (unsigned i = 0; i < run->n_idle; i++)
        if (run->idle[i] == slot) {
            run->idle[i] = run->idle[--run->n_idle];
            release(run, slot);
            return;
        }
}

static void handle(struct run *run, struct slot *slot)
{
    bool busy = slot->client.busy;
    enum nw_http_outcome outcome;

    if (slot->client.fd < 0) /* closed by an event before this one */
        return;
    outcome = nw__http_client_continue(&slot->client, slot->request);
    if (busy)
        settle(run, slot, outcome);
    else if (outcome == NW_HTTP_FAILED)
        drop_idle(run, slot);
}

/* Until the next request is due if it could be sent, else until the end. */
static uint64_t wake_at(const struct run *run, uint64_t end)
{
    return run->n_idle && more(run, nw_clock_ns()) ? due(run, run->next) : end;
}

static void loop(struct run *run)
{
    uint64_t end = (run->plan->rate > 0 ? due(run, run->result->requests) : run->end) + GRACE_NS;
    struct epoll_event events[EVENTS];

    for (uint64_t now = run->start; (run->done < run->next || more(run, now)) && now < end; now = nw_clock_ns()) {
        if (run->n_broken == run->plan->connections)
            break;
        send_due(run);
        uint64_t wait = since(nw_clock_ns(), wake_at(run, end));
        struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000u), .tv_nsec = (long)(wait % 1000000000u)};
        int n = epoll_pwait2(run->epoll, events, EVENTS, &timeout, NULL);
        for (int i = 0; i < n; i++)
            handle(run, events[i].data.ptr);
    }
}

/* What has no answer has waited until now at least. */
static void count_unanswered(struct run *run)
{
    uint64_t now = nw_clock_ns();

    for (unsigned i = 0; i < run->plan->connections; i++)
        if (run->slots[i].client.fd >= 0 && run->slots[i].client.busy) {
            nw_histogram_add(&run->result->latency, since(run->slots[i].due, now));
            tell(run, &run->slots[i], 0, since(run->slots[i].due, now));
            run->result->unanswered++;
        }
    for (; run->plan->rate > 0 && run->next < run->result->requests; run->next++) {
        struct slot never = {.request = draw(run), .due = due(run, run->next)};
        nw_histogram_add(&run->result->latency, since(never.due, now));
        tell(run, &never, 0, since(never.due, now));
        run->result->unanswered++;
    }
}

static int open_all(struct run *run)
{
    int result = 0;

    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run->epoll < 0)
        return -errno;
    for (unsigned i = 0; i < run->plan->connections; i++)
        run->slots[i].client.fd = -1;
    for (unsigned i = 0; i < run->plan->connections && !result; i++)
        result = open_slot(run, &run->slots[i]);
    return result;
}

/* The gaps of a Poisson process. */
static int draw_times(struct run *run)
{
    struct nw_random random = {.state = TIMES_SEED};
    double at = 0;

    if (!run->plan->at_random || run->plan->rate <= 0)
        return 0;
    run->due_after = calloc(run->result->requests + 1, sizeof *run->due_after);
    for (uint64_t i = 0; run->due_after && i <= run->result->requests; i++) {
        run->due_after[i] = (uint64_t)at;
        at -= log(1 - nw_random_unit(&random)) * 1e9 / run->plan->rate;
    }
    return run->due_after ? 0 : -ENOMEM;
}

static void close_all(struct run *run)
{
    for (unsigned i = 0; i < run->plan->connections; i++)
        nw__http_client_close(&run->slots[i].client);
    if (run->epoll >= 0)
        close(run->epoll);
}

int nw_load_run(const struct nw_load_plan *plan, const struct nw_http_request *requests, struct nw_load_result *result)
{
    struct run run = {.plan = plan, .requests = requests, .result = result, .epoll = -1};
    int error = -ENOMEM;

    *result = (struct nw_load_result){.requests = (uint64_t)ceil(plan->rate * plan->seconds)};
    run.slots = calloc(plan->connections, sizeof *run.slots);
    run.idle = calloc(plan->connections, sizeof(struct slot *));
    if (run.slots && run.idle && !draw_times(&run)) {
        prctl(PR_SET_TIMERSLACK, 1ul);
        error = open_all(&run);
        run.start = run.last_answer = nw_clock_ns();
        run.end = run.start + (uint64_t)(plan->seconds * 1e9);
        if (!error) {
            loop(&run);
            result->requests = plan->rate > 0 ? result->requests : run.next;
            count_unanswered(&run);
            result->seconds = (double)(run.last_answer - run.start) / 1e9;
        }
        close_all(&run);
    }
    free(run.due_after);
    free(run.idle);
    free(run.slots);
    return error;
}
