/* See attack_host.h. */
#include "worker/test/attack/attack_host.h"
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY      (64ull << 20)
#define HOSTILE_MAX 16
#define PATIENCE_MS 800 /* for an answer that may never come; more than twice the hasty time limit */

struct nw_attack nw_attack;
static bool alive;
static uint32_t secret;
static int output = -1; /* a file for what a worker that leaves something out writes */

/* Hostile functions that call their copy, named after them. */
static struct {
    const char *so, *name;
    bool loaded;
} copies[] = {{"flow", "flow2", false}, {"state", "state2", false}};

#define COPIES (sizeof copies / sizeof copies[0])

/* Hostile functions that are loaded, by the name of their file and their time limit. */
static struct {
    const char *so;
    uint32_t timeout_ms, deployment;
} hostile[HOSTILE_MAX];

const char *nw_attack_build(void)
{
    const char *from = getenv("NW_BUILD");

    return from ? from : "build";
}

/* Valid until the next call. */
const char *nw_attack_path(const char *so)
{
    static char path[512];

    if (so[0] == '/')
        return so;
    snprintf(path, sizeof(path), "%s/test/worker/attack/%s.so", nw_attack_build(), so);
    return path;
}

uint32_t nw_attack_load(const char *name, const char *so, uint32_t slots, uint32_t timeout_ms)
{
    bool races = strcmp(so, "races") == 0; /* with sockets, which others must not have */
    bool sends = races || strcmp(so, "transient") == 0;
    /* Profile files: several attacks open libraries and their own file after they were loaded. */
    struct nw_load l = {.name = name,
                        .so = nw_attack_path(so),
                        .slots = slots,
                        .timeout_ms = timeout_ms,
                        .memory = MEMORY,
                        .fresh = strcmp(so, "fresh") == 0,
                        .profile = sends ? NW_PROFILE_NET : NW_PROFILE_FILES,
                        .connect = races ? "127.0.0.1:*" : NULL,
                        .calls = strcmp(so, "limited") == 0 ? "nobody" : NULL};

    return nw_harness_load(&nw_attack.harness, &l);
}

uint32_t nw_attack_must_load(const char *name, const char *so, uint32_t slots, uint32_t timeout_ms)
{
    uint32_t deployment = nw_attack_load(name, so, slots, timeout_ms);

    if (!deployment)
        fail_msg("%s was refused: %s", so, nw_attack.harness.message.text);
    return deployment;
}

static void worker_start(void)
{
    if (output >= 0)
        close(output);
    output = memfd_create("output", MFD_CLOEXEC);
    nw_harness_start_without(&nw_attack.harness, nw_attack.mode, 2, nw_attack.without, output);
    memset(hostile, 0, sizeof(hostile));
    alive = true;
    for (size_t i = 0; i < COPIES; i++)
        copies[i].loaded = false;
    secret = nw_attack_must_load("secret", "secret", 1, NW_ATTACK_PATIENT);
    nw_attack.hello = nw_attack_must_load("hello", NW_ATTACK_HELLO, 2, NW_ATTACK_PATIENT);
}

/* It has ended. */
static void worker_forget(void)
{
    alive = false;
    nw_channel_close(&nw_attack.harness.channel);
    close(nw_attack.harness.control);
    if (nw_attack.harness.snapshot >= 0)
        close(nw_attack.harness.snapshot);
}

static bool worker_lives(void)
{
    int status;

    if (alive && waitpid(nw_attack.harness.pid, &status, WNOHANG) == nw_attack.harness.pid) {
        worker_forget();
        if (!nw_attack.without)
            print_message("the worker ended: status %#x\n", (unsigned)status);
    }
    return alive;
}

void nw_attack_must_live(const char *after)
{
    if (!worker_lives())
        fail_msg("%s ended the worker", after);
}

struct nw_answer nw_attack_ask(uint32_t deployment, const char *input)
{
    return nw_harness_invoke(&nw_attack.harness, deployment, input, strlen(input));
}

void nw_attack_discard(void)
{
    int status;

    if (!worker_lives())
        return;
    kill(nw_attack.harness.pid, SIGKILL);
    waitpid(nw_attack.harness.pid, &status, 0);
    worker_forget();
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

void nw_attack_begin(const char *without)
{
    if (worker_lives() && !same(without, nw_attack.without)) {
        if (nw_attack.without)
            nw_attack_discard();
        else
            nw_attack_end(NULL);
    }
    nw_attack.without = without;
    if (!alive)
        worker_start();
}

/* The neighbours answer as ever. */
void nw_attack_check(const char *after)
{
    struct nw_answer a;

    nw_attack_must_live(after);
    a = nw_attack_ask(secret, "check");
    if (a.status != NW_STATUS_OK || strcmp(a.data, "intact") != 0) {
        nw_attack_discard();
        fail_msg("after %s the secret is not intact: %s", after, a.data);
    }
    free(a.data);
    a = nw_attack_ask(nw_attack.hello, "x");
    if (a.status != NW_STATUS_OK)
        fail_msg("after %s hello does not answer: %s", after, a.data);
    free(a.data);
}

uint32_t nw_attack_victim(void)
{
    return secret;
}

uint64_t nw_attack_where(const char *kind)
{
    char input[32];
    struct nw_answer a;
    uint64_t at;

    snprintf(input, sizeof(input), "where %s", kind ? kind : "data");
    a = nw_attack_ask(secret, input);
    at = strtoul(a.data, NULL, 16);
    free(a.data);
    assert_int_not_equal(at, 0);
    return at;
}

static void load_copy(const char *so)
{
    for (size_t i = 0; i < COPIES; i++)
        if (strcmp(copies[i].so, so) == 0 && !copies[i].loaded) {
            nw_attack_must_load(copies[i].name, so, 2, NW_ATTACK_HASTY);
            copies[i].loaded = true;
        }
}

/* Loaded when it is first needed. */
uint32_t nw_attack_function(const char *so, uint32_t timeout_ms)
{
    char name[32];
    size_t i = 0;

    while (i < HOSTILE_MAX && hostile[i].so && (strcmp(hostile[i].so, so) != 0 || hostile[i].timeout_ms != timeout_ms))
        i++;
    assert_true(i < HOSTILE_MAX);
    if (hostile[i].so)
        return hostile[i].deployment;
    load_copy(so);
    snprintf(name, sizeof(name), "%s%s", so, timeout_ms == NW_ATTACK_HASTY ? "-hasty" : "");
    hostile[i].deployment = nw_attack_must_load(name, so, strcmp(so, "jumps") == 0 ? 1 : 2, timeout_ms);
    hostile[i].so = so;
    hostile[i].timeout_ms = timeout_ms;
    return hostile[i].deployment;
}

void nw_attack_describe(char seen[NW_ATTACK_SEEN], const struct nw_answer *a)
{
    switch (a->status) {
    case NW_STATUS_OK:
        snprintf(seen, NW_ATTACK_SEEN, "%s", a->data);
        break;
    case NW_STATUS_CRASHED:
        snprintf(seen, NW_ATTACK_SEEN, "torn down");
        break;
    case NW_STATUS_TIMEOUT:
        snprintf(seen, NW_ATTACK_SEEN, "timed out");
        break;
    case NW_STATUS_OUTPUT_TOO_LARGE:
        snprintf(seen, NW_ATTACK_SEEN, "output too large");
        break;
    default:
        snprintf(seen, NW_ATTACK_SEEN, "status %u: %s", a->status, a->data);
    }
}

int nw_attack_try(uint32_t deployment, const char *input, struct nw_answer *answer)
{
    nw_harness_send(&nw_attack.harness, deployment, input, strlen(input));
    return nw_harness_try_receive(&nw_attack.harness, PATIENCE_MS, answer);
}

/* NULL: as ever. */
static const char *harm(void)
{
    struct nw_answer a;
    const char *what = NULL;
    int error = worker_lives() ? nw_attack_try(secret, "check", &a) : -EPIPE;

    if (error)
        return error == -EPIPE ? ", worker ended" : ", neighbour silent";
    if (a.status != NW_STATUS_OK)
        what = ", neighbour torn down";
    else if (strcmp(a.data, "intact") != 0)
        what = ", secret changed";
    free(a.data);
    return what;
}

void nw_attack_describe_harm(char seen[NW_ATTACK_SEEN])
{
    const char *what = harm();

    if (what)
        strncat(seen, what, NW_ATTACK_SEEN - strlen(seen) - 1);
    if (alive)
        nw_attack_discard();
}

const char *nw_attack_output(void)
{
    static char text[1 << 20];
    ssize_t n = pread(output, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

int nw_attack_end(void **state)
{
    (void)state;
    if (worker_lives()) {
        nw_harness_stop(&nw_attack.harness);
        alive = false;
    }
    return 0;
}
