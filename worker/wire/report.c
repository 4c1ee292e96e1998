/* What this worker says of its functions to the engine over the control socket, for which nobody ever waits. */
#include "worker/wire/report.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include "worker/account/share.h"
#include "worker/account/ticks.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/domain/attended.h"
#include "worker/domain/called.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/executor/wake.h"
#include "worker/lines/said.h"
#include "worker/memory/shortage.h"
#include "worker/reach/route.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLDS_MAX      16 /* domains of which the engine is told at a time what they hold */
#define USAGE_PAUSE_NS 200000000ull
#define CALLS_PAUSE_NS 500000000ull
#define LINES_MOST     8192 /* bytes of lines in a message, so that the engine is soon done with it ... */
#define LINES_MESSAGES 8    /* ... sent at a time */
#define EDGES_MAX      2048 /* of two functions each; what is over is told the next time */
#define NEWS_MAX       64   /* reports of torn-down domains that wait; more are dropped, the log has them */

struct report {
    struct report *next;
    struct nw_control head;
    char text[NW_REASON_MAX];
    int file; /* or -1 */
};

static struct report *first, **last = &first;
static unsigned n_untold;
static int control;      /* the socket */
static uint32_t worker;  /* its number */
static uint64_t refused; /* system calls so far */

void nw_tell_init(int fd, uint32_t number)
{
    control = fd;
    worker = number;
}

bool nw_tell_waits(void)
{
    return n_untold > 0 || nw_said_waits();
}

static int send_with(const struct nw_control *head, const char *text, int file)
{
    int error = nw_control_send(control, head, text, strlen(text), &file, file >= 0);

    if (error && error != -EAGAIN && error != -EPIPE)
        nw_log(NW_LOG_WARN, "cannot tell the engine of deployment %u: %s", head->deployment, strerror(-error));
    return error;
}

static int send_report(const struct nw_control *head, const char *text)
{
    return send_with(head, text, -1);
}

static void keep(const struct nw_control *head, const char *text, int file)
{
    struct report *report = malloc(sizeof(*report));

    if (!report)
        nw_die_system("cannot keep a message for the engine: out of memory");
    report->next = NULL;
    report->head = *head;
    report->file = file;
    snprintf(report->text, sizeof(report->text), "%s", text);
    *last = report;
    last = &report->next;
    n_untold++;
    nw_wake_control();
}

void nw_tell_engine(uint32_t kind, uint32_t deployment, int64_t value, const char *text)
{
    struct nw_control head = {.kind = kind, .worker = worker, .deployment = deployment, .value = value};

    if (!n_untold && send_report(&head, text) != -EAGAIN)
        return;
    if (kind != NW_CONTROL_TORN_DOWN || n_untold < NEWS_MAX)
        keep(&head, text, -1);
}

void nw_tell_snapshot(uint32_t deployment, int file, const char *text)
{
    struct nw_control head = {.kind = NW_CONTROL_SNAPSHOT, .worker = worker, .deployment = deployment};

    if (n_untold || send_with(&head, text, file) == -EAGAIN)
        keep(&head, text, file);
    else if (file >= 0)
        close(file);
}

void nw_tell_rest(void)
{
    while (first && send_with(&first->head, first->text, first->file) != -EAGAIN) {
        struct report *told = first;

        first = told->next;
        if (!first)
            last = &first;
        if (told->file >= 0)
            close(told->file);
        free(told);
        n_untold--;
    }
}

bool nw_tell_usage(uint64_t now)
{
    static struct nw_control told;
    static uint64_t told_at;
    struct nw_control head = {.kind = NW_CONTROL_USAGE, .worker = worker, .slots = nw_domains_there()};

    head.value = nw_keys_free();
    head.memory = nw_load_relaxed(&refused); /* counted by nw_tell_refused */
    if (head.slots == told.slots && head.value == told.value && head.memory == told.memory)
        return false;
    if (n_untold || now - told_at < USAGE_PAUSE_NS || send_report(&head, "") == -EAGAIN)
        return true;
    told = head;
    told_at = now;
    return false;
}

/* Whether the engine knows something else of it. */
bool nw_holds_untold(const struct nw_domain *domain)
{
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        if (nw_share_used(&domain->account, (enum nw_resource)r) != domain->account.told[r])
            return true;
    return domain->n_workers != domain->workers_told || nw_memory_used(&domain->memory) != domain->memory_told ||
           nw_load_relaxed(&domain->memory.peak) != domain->memory_peak_told;
}

static bool tell_holds_of(struct nw_domain *domain)
{
    struct nw_control head = {.kind = NW_CONTROL_HOLDS,
                              .worker = worker,
                              .deployment = domain->function->deployment,
                              .slots = domain->n_workers,
                              .memory = nw_memory_used(&domain->memory)};
    uint64_t peak = nw_load_relaxed(&domain->memory.peak); /* see nw__memory_note_peak */
    uint64_t before = domain->function->memory_peak;
    uint64_t used[NW_RESOURCE_COUNT];
    char text[NW_RESOURCES_TEXT];

    head.value = (int64_t)(peak > before ? peak : before);
    for (int r = 0; r < NW_RESOURCE_COUNT; r++)
        used[r] = nw_share_used(&domain->account, (enum nw_resource)r);
    nw_resources_format(used, text);
    if (send_report(&head, text) == -EAGAIN)
        return false;
    memcpy(domain->account.told, used, sizeof(used));
    domain->workers_told = head.slots;
    domain->memory_told = head.memory;
    domain->memory_peak_told = peak;
    return true;
}

bool nw_tell_holds(uint64_t now)
{
    static uint64_t told_at;
    static size_t turn;
    uint32_t may = n_untold || now - told_at < USAGE_PAUSE_NS ? 0 : HOLDS_MAX;
    bool untold = false;

    told_at = may ? now : told_at;
    for (size_t i = 0; i < NW_HOLDS_LOOKED_AT; i++) {
        struct nw_domain *domain = nw_domain_at(turn = (turn + 1) % NW_DOMAINS_MAX);

        if (domain && domain->state == NW_DOMAIN_LIVE && nw_holds_untold(domain))
            nw_attend(domain);
    }
    for (struct nw_domain *domain = nw_attended_after(NULL); domain; domain = nw_attended_after(domain)) {
        if (domain->state != NW_DOMAIN_LIVE || !nw_holds_untold(domain))
            continue;
        if (may > 0 && tell_holds_of(domain))
            may--;
        else
            untold = true;
    }
    return untold;
}

/* Of a domain; each time that a function begins or ends in one of its slots adds one. `runs` tells whether one does. */
static uint32_t count_calls(const struct nw_domain *domain, bool *runs)
{
    uint32_t n = 0;

    *runs = false;
    for (size_t i = 0; i < domain->slots_end; i++) {
        uint32_t sequence = nw_load_relaxed(&domain->slots[i].sequence);

        n += sequence;
        *runs |= sequence & 1;
    }
    return n;
}

static struct nw_calls calls_of(struct nw_deployed *function, uint32_t count)
{
    const struct nw_usage *usage = &function->usage;

    function->ran_told = usage->ran;
    return (struct nw_calls){
        function->deployment, count,          nw_ticks_to_ns(usage->ran), nw_ticks_to_ns(usage->waited),
        usage->preempted,     usage->rekeyed, function->callees.refused};
}

/* Calls of a function that is not here any more are told when another of its name is. */
static size_t add_edges(struct nw_domain *domain, struct nw_edge_calls *edges, size_t n)
{
    static uint64_t sums[NW_DEPLOYED_MAX];
    const uint32_t n_routes = nw_route_count();

    if (nw_called_add(domain, sums, n_routes))
        for (uint32_t i = 0; i < n_routes; i++) {
            const struct nw_deployed *callee = nw_route_function(nw_route_at(i));

            if (sums[i] > domain->called_told[i] && callee && n < EDGES_MAX) {
                edges[n++] = (struct nw_edge_calls){domain->function->deployment, callee->deployment,
                                                    sums[i] - domain->called_told[i]};
                domain->called_told[i] = sums[i];
            }
            sums[i] = 0;
        }
    return n;
}

static void tell_edges(const struct nw_edge_calls *edges, size_t n)
{
    const struct nw_control head = {.kind = NW_CONTROL_EDGES, .worker = worker};

    if (n > 0)
        nw_control_send(control, &head, (const char *)edges, n * sizeof(*edges), NULL, 0);
}

void nw_tell_calls(uint64_t now)
{
    static uint64_t told_at;
    static struct nw_calls calls[NW_DOMAINS_MAX];
    static struct nw_edge_calls edges[EDGES_MAX];
    struct nw_control head = {.kind = NW_CONTROL_CALLS, .worker = worker};
    size_t n = 0, n_edges = 0;

    if (n_untold || now - told_at < CALLS_PAUSE_NS)
        return;
    told_at = now;
    for (struct nw_domain *d = nw_domain_after(NULL); d; d = nw_domain_after(d)) {
        bool runs;
        uint32_t count;

        if (d->state != NW_DOMAIN_LIVE)
            continue;
        count = count_calls(d, &runs);
        if (count == d->calls_told && !runs && d->function->usage.ran == d->function->ran_told)
            continue;
        d->calls_told = count;
        n_edges = add_edges(d, edges, n_edges);
        calls[n++] = calls_of(d->function, count);
    }
    if (n > 0)
        nw_control_send(control, &head, (const char *)calls, n * sizeof(*calls), NULL, 0);
    tell_edges(edges, n_edges);
}

void nw_tell_lines(void)
{
    static char text[LINES_MOST];
    const struct nw_control head = {.kind = NW_CONTROL_LINES, .worker = worker};

    for (int i = 0; i < LINES_MESSAGES && nw_said_waits() && !n_untold; i++) {
        size_t length = nw_said_first(text, sizeof(text));

        if (nw_control_send(control, &head, text, length, NULL, 0) == -EAGAIN)
            return;
        nw_said_drop(length);
    }
}

void nw_tell_refused(void)
{
    nw_fetch_add(&refused, 1ull); /* read by nw_tell_usage */
}
