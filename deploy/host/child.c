/* See child.h. */
#include "deploy/host/child.h"
#include "common/base/valid.h"
#include "deploy/base/say.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum event { EVENT_START, EVENT_CLOSE, EVENT_DISMISS, EVENT_END, EVENTS };

struct transition {
    enum nw_child_state next;
    void (*act)(struct nw_child *child); /* NULL: the event does not fit the state */
};

static void begin(struct nw_child *child);
static void expect_end(struct nw_child *child);
static void nothing(struct nw_child *child);
static void end(struct nw_child *child);

static const struct transition table[NW_CHILD_STATES][EVENTS] = {
    [NW_CHILD_DOWN] = {[EVENT_START] = {NW_CHILD_RUNNING, begin}, [EVENT_DISMISS] = {NW_CHILD_DOWN, nothing}},
    [NW_CHILD_RUNNING] = {[EVENT_CLOSE] = {NW_CHILD_LEAVING, expect_end},
                          [EVENT_DISMISS] = {NW_CHILD_DISMISSED, expect_end},
                          [EVENT_END] = {NW_CHILD_DOWN, end}},
    [NW_CHILD_LEAVING] = {[EVENT_DISMISS] = {NW_CHILD_DISMISSED, expect_end}, [EVENT_END] = {NW_CHILD_DOWN, end}},
    [NW_CHILD_DISMISSED] = {[EVENT_DISMISS] = {NW_CHILD_DISMISSED, expect_end}, [EVENT_END] = {NW_CHILD_DOWN, end}},
};

bool nw_child_is_valid(const struct nw_child *child)
{
    return nw__child_is_up(child) == (child->pid > 0) && (child->state == NW_CHILD_RUNNING) == (child->socket >= 0) &&
           (nw__child_is_up(child) || child->kill_at == NW_NEVER);
}

static void move(struct nw_child *child, enum event event)
{
    const struct transition *transition = &table[child->state][event];
    nw_check_that(transition->act);
    if (!transition->act)
        return;
    child->state = transition->next;
    transition->act(child);
    nw_check_valid(nw_child, child);
}

int64_t nw__host_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void nw__child_init(struct nw_child *child, const char *name)
{
    *child = (struct nw_child){.name = name, .socket = -1, .kill_at = NW_NEVER};
}

static void schedule(struct nw_child *child, enum nw_end cause)
{
    int64_t now = nw__host_now();

    child->start_at = now + (int64_t)nw_backoff_pause(&child->backoff, cause, (uint64_t)(now - child->started_at));
}

/* ---- what happens on the way ---- */

static void begin(struct nw_child *child)
{
    child->kill_at = NW_NEVER;
}

static void close_socket(struct nw_child *child)
{
    if (child->socket >= 0)
        close(child->socket);
    child->socket = -1;
}

/* Patience that has begun goes on. */
static void expect_end(struct nw_child *child)
{
    close_socket(child);
    if (child->kill_at == NW_NEVER)
        child->kill_at = nw__host_now() + NW_STOP_PATIENCE;
}

static void nothing(struct nw_child *child)
{
    (void)child;
}

static void end(struct nw_child *child)
{
    child->pid = 0;
    child->kill_at = NW_NEVER;
    close_socket(child);
}

/* ---- events ---- */

int nw__child_start(struct nw_child *child, const struct nw_spawn *spec, int socket, const char **step)
{
    unsigned shortfalls;
    pid_t pid = nw_spawn(spec, &shortfalls, step);

    child->started_at = nw__host_now();
    if (pid < 0) {
        close(socket);
        nw__child_start_failed(child);
        return pid;
    }
    child->pid = pid;
    child->socket = socket;
    move(child, EVENT_START);
    return 0;
}

void nw__child_start_failed(struct nw_child *child)
{
    schedule(child, NW_END_OWN);
}

void nw__child_closed(struct nw_child *child)
{
    move(child, EVENT_CLOSE);
}

void nw__child_dismiss(struct nw_child *child)
{
    move(child, EVENT_DISMISS);
}

void nw__child_ask_to_end(struct nw_child *child, int64_t patience)
{
    kill(child->pid, SIGTERM);
    child->kill_at = nw__host_now() + patience;
}

bool nw__child_ended(struct nw_child *child, int *status, bool *dismissed)
{
    if (!nw__child_is_up(child) || waitpid(child->pid, status, WNOHANG) != child->pid)
        return false;
    *dismissed = child->state == NW_CHILD_DISMISSED;
    move(child, EVENT_END);
    if (!*dismissed)
        schedule(child, nw_backoff_cause(*status));
    return true;
}

void nw__child_kill_if_late(struct nw_child *child)
{
    if (!nw__child_is_up(child) || nw__host_now() < child->kill_at)
        return;
    nw_complain("%s did not end in time; killing it", child->name);
    kill(child->pid, SIGKILL);
    child->kill_at = NW_NEVER;
}

void nw__child_say_ended(const struct nw_child *child, int status)
{
    int64_t pause = child->start_at - nw__host_now();
    char when[48] = "";

    if (pause > 0)
        snprintf(when, sizeof when, " in %d ms, because it keeps ending", (int)pause);
    if (WIFSIGNALED(status))
        nw_complain("%s ended: killed by signal %d (%s); starting it again%s", child->name, WTERMSIG(status),
                    strsignal(WTERMSIG(status)), when);
    else
        nw_complain("%s ended: exit status %d; starting it again%s", child->name, WEXITSTATUS(status), when);
}
