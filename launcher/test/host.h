/*
 * A launcher in a process of its own, with a stand-in for the worker (fake_worker.c), and the engine's side of its
 * socket. Everything fails the running test when it fails.
 */
#ifndef NW_LAUNCHER_TEST_HOST_H
#define NW_LAUNCHER_TEST_HOST_H

#include "common/manifest/control.h"
#include <sys/types.h>

/* Where workers may be users of their own. */
#define HOST_FIRST_USER 61000
#define HOST_LAST_USER  61009

struct host {
    pid_t launcher; /* 0 once reaped */
    int lifeline;
    int control;
    struct nw_control_message message;
};

/* For cmocka: *state is a struct host. find_fake_worker comes first, once. */
int setup(void **state);
int teardown(void **state);
void find_fake_worker(void);

/* A launcher that starts this program as its workers. */
struct host *start_host(const char *path);
void close_once(int *fd);

/* The launcher's wait status. */
int wait_launcher(struct host *h);

/* The next report is of this kind about this worker; it is in h->message. */
void await_report(struct host *h, uint32_t kind, uint32_t worker);

/* A START that is in order. */
struct nw_control start_message(uint32_t number);

/* Sends START with four real fds; the engine's end of the worker's socket is returned. */
int send_start(const struct host *h, const struct nw_control *head);

/* Starts a worker, and waits for STARTED. Its socket, and its pid. */
int start_worker(struct host *h, uint32_t number, pid_t *pid);

/* Asks a worker (see fake_worker.c). The answer is valid until the next one. */
const char *ask(int socket, const char *question);

/* The worker's end of the socket closes only when its process is gone. */
void await_death(int socket);

#endif
