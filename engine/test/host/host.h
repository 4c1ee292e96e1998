/*
 * A whole host for tests of the engine: the real engine and launcher, a fake worker, a state directory of its own; and
 * a plain HTTP client. Everything fails the running test when it fails.
 */
#ifndef NW_ENGINE_TEST_HOST_HOST_H
#define NW_ENGINE_TEST_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HOST_WAIT_MS 20000 /* for anything that must happen; never waited for in full when all is well */

struct host {
    pid_t engine, launcher;
    int supervisor; /* our end of the engine's file descriptor 3 */
    int lifeline;   /* our end of the launcher's */
    char state[64];
    char address[64];  /* ADDR:PORT of the first listener */
    int launcher_room; /* bytes that the launcher's socket takes; 0: as usual */
    const char *flags[32];
};

/* The folder beside the test that holds the programs of hosts: "host" unless a test says otherwise. NW_TEST_HOST in the
 * environment is a folder that stands for that. */
extern const char *host_folder;

/* Starts a host with these flags of the engine (up to NULL) on a new state directory, and waits until it is ready. */
void host_start(struct host *host, const char *const *flags);

/* Starts only the engine, or only a launcher, of a host whose state directory exists. */
void host_start_engine(struct host *host);
void host_start_launcher(struct host *host);

/* Waits for READY. */
void host_wait_ready(struct host *host);

/* SIGTERM; the engine must end with status 0. Removes the state directory. */
void host_stop(struct host *host);

/* Whether the engine ended by itself; and what then takes the place of host_stop, which minds how it ends. */
bool host_ended(const struct host *host);
void host_await_end(const struct host *host);
void host_discard(struct host *host);

/* kill -9 */
void host_kill_engine(struct host *host);
void host_kill_launcher(struct host *host);

/* Both, and then a new engine and launcher on the same state directory, until they are ready. */
void host_restart(struct host *host);

/* Runs the engine with these arguments until it ends; its exit status. `output` gets what it said. */
int host_run_engine(const char *const *arguments, int fd3, char *output, size_t size);

/* --- HTTP --- */

struct answer {
    int status; /* 0: the connection ended before an answer */
    char head[4096];
    char *body; /* NUL-terminated */
    size_t length;
};

int host_connect(const struct host *host);
int host_connect_admin(const struct host *host);

/* Waits until the engine says on a new connection that it is not ready. */
void host_await_unready(const struct host *host);

/* Sends bytes, all of them unless the peer closed. */
void send_bytes(int fd, const void *data, size_t length);
void send_text(int fd, const char *text);

/* Reads one answer, also to HEAD if so. Closed connections give status 0. The caller frees with answer_fini. */
struct answer read_answer(int fd);
struct answer read_answer_to(int fd, bool to_head);
void answer_fini(struct answer *answer);

/* The value of a header in an answer, or NULL; valid until the next call. */
const char *header_of(const struct answer *answer, const char *name);

/* Whether the peer has closed; waits for it. */
bool is_closed(int fd);

struct answer exchange(int fd, const char *method, const char *path, const void *body, size_t length);

/* On connections of their own. */
struct answer invoke(const struct host *host, const char *name, const char *input);
struct answer invoke_as_owner(const struct host *host, const char *name, const char *input); /* errors say why */
struct answer admin(const struct host *host, const char *method, const char *path, const char *body);

/* Deploys a function whose "code" is `behaviour` (see fake_worker.c); must succeed. */
void deploy(const struct host *host, const char *name, const char *behaviour);

/* Asserts on the whole answer, and frees it. */
void expect(struct answer answer, int status, const char *body);
void expect_error(struct answer answer, int status, const char *code);

/* Invokes until the answer is 200 and `output`, for a bounded time. */
void eventually(const struct host *host, const char *name, const char *input, const char *output);

/* The first number of this key in GET /v1/status; and waits, for a bounded time, until it is so. */
long status_number(const struct host *host, const char *key);
void await_at_least(const struct host *host, const char *key, long number);
void await_at_most(const struct host *host, const char *key, long number);

#endif
