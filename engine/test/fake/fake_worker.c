/*
 * A worker that speaks the real protocol and runs no code: what a function does is the text of its ".so". For tests of
 * the engine, above all of what a worker must not do.
 *
 *   echo                output = input
 *   say TEXT            output = TEXT
 *   fail TEXT           status function_failed with TEXT as the reason
 *   big BYTES           that much output
 *   slow MS             echo, MS later
 *   call NAME           calls NAME with its input, output = what comes back; its failure -> function_failed
 *   forge NAME          the same, for a function that it does not have
 *   env                 output = the environment that came with LOAD
 *   hang                never answers
 *   hang-on TEXT        ... when the input is TEXT, else echo
 *   exit                ends the process
 *   exit-after          echo, then ends the process
 *   exit-after signal   ... both once SIGUSR1 has come, and nothing else meanwhile
 *   echo-after signal   echo, once SIGUSR1 has come, and nothing else meanwhile
 *   exit-before N       ... before it begins, unless more than N workers were started
 *   refuse TEXT         is refused when loaded
 *   refuse-reloading    is refused when loaded, unless it is the first worker
 *   die                 ends the process when loaded
 *   sleep-loading       never answers LOAD
 *   sleep-reloading     ... unless it is the first worker
 *   die-reloading       ends the process when loaded, unless it is the first worker
 *   never-ends          never answers RETIRE
 *   last-words TEXT     echo; when it is to retire, it writes TEXT, and is torn down for TEXT
 *   snapshots STEPS     output = STEPS, and for each letter: s sends a snapshot, b one that is too big, d discards one
 *   hostile KIND        breaks the protocol when invoked: see hostile.c
 */
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/manifest/control.h"
#include "common/shm/channel.h"
#include "engine/base/list.h"
#include "engine/test/fake/hostile.h"
#include "engine/test/fake/line.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MEMFD         4
#define PEER_DOORBELL 6
#define BEHAVIOUR_MAX 256

struct function {
    struct nw_list link;
    uint32_t deployment;
    char name[64];
    char behaviour[BEHAVIOUR_MAX];
    char env[1024];
    size_t env_length;
};

/* Something to send that waits for its time, for room in the arena, or for a reply. */
struct pending {
    struct nw_list link;
    struct nw_desc desc; /* of the INVOKE */
    struct function *function;
    struct nw_channel *line; /* by which it came */
    uint64_t due;            /* ms; 0: as soon as there is room */
    uint64_t call_id;        /* waits for this REPLY */
    uint64_t call_block;     /* to free then */
};

static struct nw_geometry geometry;
static struct nw_list functions = {&functions, &functions}, waiting = {&waiting, &waiting};
static struct nw_control_message message;
static uint32_t worker_number;
static uint64_t last_call;

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct pending *wait_for(const struct nw_desc *desc, struct function *function)
{
    struct pending *pending = calloc(1, sizeof *pending);
    pending->desc = *desc;
    pending->function = function;
    pending->line = fake_line;
    nw_list_append(&waiting, &pending->link);
    return pending;
}

/* What follows `word` and a space in the behaviour, "" if nothing does; NULL if it is another word. */
static const char *behaves(const struct function *function, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(function->behaviour, word, length))
        return NULL;
    const char *rest = function->behaviour + length;
    return *rest == ' ' ? rest + 1 : *rest ? NULL : rest;
}

static void tell_snapshot(uint32_t deployment, off_t size)
{
    const struct nw_control head = {.kind = NW_CONTROL_SNAPSHOT, .worker = worker_number, .deployment = deployment};
    int file = size ? memfd_create("snapshot", MFD_ALLOW_SEALING | MFD_CLOEXEC) : -1;
    if (size && (file < 0 || lseek(file, size - 1, SEEK_SET) < 0 || write(file, "", 1) != 1 ||
                 fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0))
        nw_die_system("cannot make a snapshot: %s", strerror(errno));
    nw_control_send(CONTROL_FD, &head, "", 0, &file, size ? 1 : 0);
    if (size)
        close(file);
}

static void snapshots(uint32_t deployment, const char *steps)
{
    for (; *steps; steps++)
        tell_snapshot(deployment, *steps == 's' ? 1 << 20 : *steps == 'b' ? 65 << 20 : 0);
}

static bool call(struct pending *pending, uint32_t caller, const char *name)
{
    const struct nw_desc *invoke = &pending->desc;
    struct nw_desc desc = {.kind = NW_DESC_CALL,
                           .id = ++last_call,
                           .status = caller,
                           .length = strlen(name) + invoke->length,
                           .name_len = (uint32_t)strlen(name),
                           .depth = invoke->depth};
    if (nw_arena_alloc(fake_channels[0].arena, desc.length, &desc.offset) < 0)
        return false;
    char *at = nw_arena_at(fake_channels[0].arena, desc.offset);
    memcpy(at, name, desc.name_len);
    memcpy(at + desc.name_len, nw_channel_payload(fake_line, invoke), invoke->length);
    pending->call_id = desc.id;
    pending->call_block = desc.offset;
    fake_line = &fake_channels[0];
    fake_send(&desc);
    return true;
}

static volatile sig_atomic_t signalled;

static void on_signal(int signal)
{
    (void)signal;
    signalled = 1;
}

static void await_signal(void)
{
    while (!signalled)
        poll(NULL, 0, 1);
}

/* True when the invocation is through, or waits for a reply. */
static bool run(struct pending *pending)
{
    const struct nw_desc *desc = &pending->desc;
    const struct function *function = pending->function;
    fake_line = pending->line;
    const void *input = nw_channel_payload(fake_line, desc);
    const char *rest;
    if (behaves(function, "exit"))
        _exit(9);
    if (behaves(function, "hang"))
        return false;
    if ((rest = behaves(function, "hang-on")) && desc->length == strlen(rest) && !memcmp(input, rest, desc->length))
        return false;
    if (((rest = behaves(function, "exit-after")) || (rest = behaves(function, "echo-after"))) && *rest)
        await_signal();
    if (behaves(function, "exit-after") && fake_complete(desc, NW_STATUS_OK, input, desc->length))
        _exit(9);
    if ((rest = behaves(function, "hostile")))
        return fake_be_hostile(rest, desc), true;
    if ((rest = behaves(function, "snapshots"))) {
        snapshots(function->deployment, rest);
        return fake_complete(desc, NW_STATUS_OK, rest, strlen(rest));
    }
    if ((rest = behaves(function, "say")))
        return fake_complete(desc, NW_STATUS_OK, rest, strlen(rest));
    if ((rest = behaves(function, "fail")))
        return fake_complete(desc, NW_STATUS_FUNCTION_FAILED, rest, strlen(rest));
    if ((rest = behaves(function, "big")))
        return fake_complete(desc, NW_STATUS_OK, NULL, strtoull(rest, NULL, 10));
    if (behaves(function, "env"))
        return fake_complete(desc, NW_STATUS_OK, function->env, function->env_length);
    if ((rest = behaves(function, "call")))
        return pending->call_id || call(pending, desc->target, rest);
    if ((rest = behaves(function, "forge")))
        return pending->call_id || call(pending, UINT32_MAX, rest);
    return fake_complete(desc, NW_STATUS_OK, input, desc->length);
}

static void pending_free(struct pending *pending)
{
    nw_list_remove(&pending->link);
    free(pending);
}

static void run_waiting(void)
{
    nw_list_each(&waiting, at, after)
    {
        struct pending *pending = nw_container(at, struct pending, link);
        if (pending->call_id || pending->due > now_ms())
            continue;
        if (run(pending) && !pending->call_id)
            pending_free(pending);
    }
}

static struct function *function_of(uint32_t deployment)
{
    nw_list_each(&functions, at, after) if (nw_container(at, struct function, link)->deployment ==
                                            deployment) return nw_container(at, struct function, link);
    return NULL;
}

static void on_invoke(const struct nw_desc *desc)
{
    struct function *function = function_of(desc->target);
    if (!function)
        nw_die_system("invocation of deployment %u that is not loaded", desc->target);
    const char *before = behaves(function, "exit-before");
    if (before && worker_number <= strtoul(before, NULL, 10))
        _exit(9);
    if (!nw_claim(fake_line->claims, desc->id)) { /* whoever asked is gone */
        fake_complete(desc, NW_STATUS_UNAVAILABLE, NULL, 0);
        return;
    }
    struct pending *pending = wait_for(desc, function);
    const char *delay = behaves(function, "slow");
    if (delay)
        pending->due = now_ms() + strtoull(delay, NULL, 10);
    else if (run(pending) && !pending->call_id)
        pending_free(pending);
}

static void on_reply(const struct nw_desc *desc)
{
    nw_list_each(&waiting, at, after)
    {
        struct pending *pending = nw_container(at, struct pending, link);
        if (pending->call_id != desc->id)
            continue;
        nw_arena_release(fake_channels[0].arena, pending->call_block);
        bool ok = desc->status == NW_STATUS_OK;
        fake_line = pending->line;
        const char *reason = nw_status_info(desc->status)->code;
        while (!fake_complete(&pending->desc, ok ? NW_STATUS_OK : NW_STATUS_FUNCTION_FAILED,
                              ok ? nw_channel_payload(&fake_channels[0], desc) : reason,
                              ok ? desc->length : strlen(reason)))
            nw_die_system("no room for an output");
        if (nw_desc_has_block(desc))
            fake_line = &fake_channels[0],
            fake_send(&(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = desc->offset});
        pending_free(pending);
        return;
    }
}

static void take_ring(struct nw_channel *from)
{
    struct nw_desc desc;
    while (nw_ring_pop(&from->in, &desc) > 0) {
        fake_line = from;
        if (desc.kind == NW_DESC_INVOKE)
            on_invoke(&desc);
        else if (desc.kind == NW_DESC_REPLY)
            on_reply(&desc);
        else if (desc.kind == NW_DESC_READ) /* what was read early is freed with the reply all the same */
            continue;
        else if (desc.kind != NW_DESC_RELEASE || (nw_arena_release(from->arena, desc.offset) < 0 && !fake_lied))
            nw_die_system("the engine sent nonsense: kind %u", desc.kind);
    }
}

static void answer(enum nw_control_kind kind, const char *text)
{
    nw_control_send(CONTROL_FD,
                    &(struct nw_control){.kind = kind, .worker = worker_number, .deployment = message.head.deployment},
                    text, strlen(text), NULL, 0);
}

static void load(void)
{
    struct function *function = calloc(1, sizeof *function);
    size_t name = strlen(message.text) + 1;
    for (int i = 0; i < 4; i++) /* its grants, its working directory and its callees, which it does not look at */
        name += strlen(message.text + name) + 1;
    ssize_t n = pread(message.fds[0], function->behaviour, sizeof function->behaviour - 1, 0);
    close(message.fds[0]);
    function->behaviour[n > 0 ? n : 0] = '\0';
    function->deployment = message.head.deployment;
    snprintf(function->name, sizeof function->name, "%.*s", (int)sizeof function->name - 1, message.text);
    function->env_length = message.head.text_len - name < sizeof function->env ? message.head.text_len - name : 0;
    memcpy(function->env, message.text + name, function->env_length);
    if (behaves(function, "die") || (worker_number > 1 && behaves(function, "die-reloading")))
        _exit(9);
    if (behaves(function, "sleep-loading") || (worker_number > 1 && behaves(function, "sleep-reloading")))
        return;
    const char *reason = behaves(function, "refuse");
    if (worker_number > 1 && behaves(function, "refuse-reloading"))
        reason = "this is not the first worker";
    if (!reason)
        nw_list_append(&functions, &function->link);
    answer(reason ? NW_CONTROL_REFUSED : NW_CONTROL_LOADED, reason ? reason : "");
    if (reason)
        free(function);
}

/* A line of standard output, and a crash, of a version. */
static void speak(uint32_t deployment, const char *text)
{
    struct nw_said said = {.deployment = deployment, .length = (uint16_t)strlen(text), .stream = STDOUT_FILENO};
    const struct nw_control line = {.kind = NW_CONTROL_LINES, .worker = worker_number};
    const struct nw_control crash = {.kind = NW_CONTROL_TORN_DOWN,
                                     .worker = worker_number,
                                     .deployment = deployment,
                                     .value = NW_STATUS_FUNCTION_FAILED};
    char bytes[sizeof said + BEHAVIOUR_MAX];
    memcpy(bytes, &said, sizeof said);
    memcpy(bytes + sizeof said, text, said.length);
    nw_control_send(CONTROL_FD, &line, bytes, sizeof said + said.length, NULL, 0);
    nw_control_send(CONTROL_FD, &crash, text, said.length, NULL, 0);
}

static void retire(struct function *function)
{
    const char *words = function ? behaves(function, "last-words") : NULL;
    if (words)
        speak(function->deployment, words);
    if (function && behaves(function, "never-ends"))
        return;
    if (function)
        nw_list_remove(&function->link);
    free(function);
    answer(NW_CONTROL_RETIRED, "");
}

static void take_control(void)
{
    int rc = nw_control_recv(CONTROL_FD, &message);
    if (rc <= 0)
        _exit(0);
    if (message.head.kind == NW_CONTROL_LOAD) {
        load();
    } else if (message.head.kind == NW_CONTROL_RETIRE) {
        retire(function_of(message.head.deployment));
    } else if (message.head.kind == NW_CONTROL_CHANNEL) {
        rc = nw_channel_attach(&fake_channels[fake_n_channels++], &geometry, message.fds[0], -1, message.fds[1]);
        if (rc < 0)
            nw_die_system("cannot attach one more channel: %s", strerror(-rc));
    }
}

static bool anything_waits(void)
{
    nw_list_each(&waiting, at,
                 after) if (!nw_container(at, struct pending, link)->call_id &&
                            !behaves(nw_container(at, struct pending, link)->function, "hang")) return true;
    return false;
}

/* Whoever finds one of the rings not empty may have told others that it sleeps: they ring in vain. */
static bool all_empty(void)
{
    for (unsigned i = 0; i < fake_n_channels; i++)
        if (!nw_channel_may_sleep(&fake_channels[i]))
            return false;
    return true;
}

static void serve(void)
{
    struct pollfd fds[] = {{CONTROL_FD, POLLIN, 0}, {OWN_DOORBELL, POLLIN, 0}};
    for (;;) {
        for (unsigned i = 0; i < fake_n_channels; i++)
            take_ring(&fake_channels[i]);
        run_waiting();
        if (all_empty())
            poll(fds, 2, anything_waits() ? 1 : -1);
        if (fds[1].revents)
            nw_channel_woke(&fake_channels[0]);
        if (fds[0].revents)
            take_control();
        fds[0].revents = fds[1].revents = 0;
    }
}

static uint64_t flag(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++)
        if (!strcmp(argv[i], name))
            return strtoull(argv[i + 1], NULL, 10);
    nw_die_usage("%s is missing", name);
}

int main(int argc, char **argv)
{
    nw_log_init("fake-worker", NW_LOG_INFO);
    signal(SIGUSR1, on_signal);
    geometry = (struct nw_geometry){.ring_capacity = (uint32_t)flag(argc, argv, "--ring-capacity"),
                                    .arena_size = flag(argc, argv, "--arena-size")};
    worker_number = (uint32_t)flag(argc, argv, "--worker");
    int rc = nw_channel_attach(&fake_channels[0], &geometry, MEMFD, OWN_DOORBELL, PEER_DOORBELL);
    if (rc < 0)
        nw_die_system("cannot attach the channel: %s", strerror(-rc));
    nw_control_send(CONTROL_FD, &(struct nw_control){.kind = NW_CONTROL_HELLO, .worker = worker_number}, "fake", 4,
                    NULL, 0);
    serve();
}
