/* See harness.h. */
#include "worker/test/harness.h"
#include "common/manifest/manifest.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

void (*nw_harness_before_exec)(void);

static const struct nw_geometry geometry = {.ring_capacity = 256, .arena_size = 64ul << 20};

static _Noreturn void run_worker(const int fds[4], enum nw_mode mode, uint32_t executors, const char *without)
{
    char left_out[128], chaos[64];
    char *const environment[] = {(char *)"GLIBC_TUNABLES=glibc.pthread.rseq=0", left_out, chaos,
                                 getenv("NW_TICKER") ? (char *)"NW_TICKER=1" : NULL, NULL};
    const char *build = getenv("NW_BUILD"), *other = getenv("NW_TEST_WORKER");
    char path[512], count[16], ring[16], arena[32];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 4; i++)
        if (fcntl(fds[i], F_DUPFD, 64 + i) != 64 + i)
            _exit(120);
    for (int i = 0; i < 4; i++)
        if (dup2(64 + i, 3 + i) < 0)
            _exit(121);
    for (int fd = 7; fd < 128; fd++)
        close(fd);
    snprintf(path, sizeof(path), "%s/%s", build ? build : "build",
             without ? "test/worker/nightward-worker-without"
             : other ? other
                     : "bin/nightward-worker");
    /* The real worker knows nothing of this. */
    snprintf(left_out, sizeof(left_out), "NW_WITHOUT=%s", without ? without : "keys,scan,exit,sud,ranges,rights,wx");
    snprintf(chaos, sizeof(chaos), "NW_CHAOS_PREEMPT=%s",
             getenv("NW_CHAOS_PREEMPT") ? getenv("NW_CHAOS_PREEMPT") : "0");
    snprintf(count, sizeof(count), "%u", executors);
    snprintf(ring, sizeof(ring), "%u", geometry.ring_capacity);
    snprintf(arena, sizeof(arena), "%llu", (unsigned long long)geometry.arena_size);
    if (nw_harness_before_exec)
        nw_harness_before_exec();
    execle(path, "nightward-worker", "--mode", nw_mode_name(mode), "--executors", count, "--ring-capacity", ring,
           "--arena-size", arena, "--worker", "1", "--policy",
           getenv("NW_TEST_POLICY") ? getenv("NW_TEST_POLICY") : "levels", NULL, environment);
    _exit(122);
}

void nw_harness_start(struct nw_harness *h, enum nw_mode mode, uint32_t executors)
{
    nw_harness_start_without(h, mode, executors, NULL, -1);
}

void nw_harness_start_without(struct nw_harness *h, enum nw_mode mode, uint32_t executors, const char *without,
                              int output)
{
    int ends[2];

    memset(h, 0, sizeof(*h));
    h->next_id = 1ull << 32; /* no id of an engine has an upper half of 0 (claims.h) */
    h->snapshot = -1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(nw_channel_create(&h->channel, &geometry), 0);
    h->control = ends[0];
    h->pid = fork();
    if (h->pid == 0 && output >= 0 && (dup2(output, 1) < 0 || dup2(output, 2) < 0))
        _exit(123);
    if (h->pid == 0)
        run_worker((int[4]){ends[1], h->channel.memfd, h->channel.peer_doorbell, h->channel.own_doorbell}, mode,
                   executors, without);
    close(ends[1]);
    nw_harness_expect(h, NW_CONTROL_HELLO);
}

void nw_harness_stop(struct nw_harness *h)
{
    int status;

    close(h->control);
    if (h->snapshot >= 0)
        close(h->snapshot);
    assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
    assert_int_equal(status, 0);
    nw_channel_close(&h->channel);
}

static void take_snapshot(struct nw_harness *h)
{
    if (h->message.n_fds == 0) {
        snprintf(h->unusable, sizeof(h->unusable), "%.255s", h->message.text);
        return;
    }
    if (h->snapshot >= 0)
        close(h->snapshot);
    h->snapshot = h->message.fds[0];
}

static void take_calls(struct nw_harness *h)
{
    const struct nw_calls *calls = (const struct nw_calls *)h->message.text;

    h->calls = calls[0];
    for (size_t i = 0; i < h->message.head.text_len / sizeof(*calls); i++)
        h->known[calls[i].deployment % 16] = calls[i];
}

struct nw_calls nw_harness_calls(const struct nw_harness *h, uint32_t deployment)
{
    const struct nw_calls *calls = &h->known[deployment % 16];

    return calls->deployment == deployment ? *calls : (struct nw_calls){.deployment = deployment};
}

static int receive(struct nw_harness *h)
{
    int got = nw_control_recv(h->control, &h->message);

    if (got == 1 && h->message.head.kind == NW_CONTROL_HOLDS)
        h->holds = h->message.head;
    if (got == 1 && h->message.head.kind == NW_CONTROL_SNAPSHOT)
        take_snapshot(h);
    if (got == 1 && h->message.head.kind == NW_CONTROL_CALLS)
        take_calls(h);
    return got;
}

void nw_harness_listen(struct nw_harness *h)
{
    struct pollfd p = {.fd = h->control, .events = POLLIN};

    while (poll(&p, 1, 0) == 1)
        assert_int_equal(receive(h), 1);
}

void nw_harness_expect(struct nw_harness *h, uint32_t kind)
{
    struct pollfd p = {.fd = h->control, .events = POLLIN};
    int got;

    do {
        if (poll(&p, 1, PATIENCE_MS) != 1)
            fail_msg("no control message of kind %u came", kind);
        got = receive(h);
        if (got != 1)
            fail_msg("the worker is gone while kind %u was awaited", kind);
    } while (h->message.head.kind != kind);
}

void nw_harness_tell(struct nw_harness *h, uint32_t kind, uint32_t deployment)
{
    struct nw_control head = {.kind = kind, .deployment = deployment};

    assert_int_equal(nw_control_send(h->control, &head, "", 0, NULL, 0), 0);
}

/* LOADED or REFUSED, whatever else comes before. */
static uint32_t await_verdict(struct nw_harness *h)
{
    struct pollfd p = {.fd = h->control, .events = POLLIN};

    for (;;) {
        if (poll(&p, 1, PATIENCE_MS) != 1 || receive(h) != 1)
            fail_msg("the worker said nothing about the load");
        if (h->message.head.kind == NW_CONTROL_LOADED || h->message.head.kind == NW_CONTROL_REFUSED)
            return h->message.head.kind;
    }
}

/* The worker takes its messages in order: that it refuses an empty one says that it has acted on those before. */
static void await_control(struct nw_harness *h)
{
    nw_harness_tell(h, NW_CONTROL_LOAD, 0);
    nw_harness_expect(h, NW_CONTROL_REFUSED);
}

/* The shared object and the granted directories. */
static int open_files(const struct nw_load *load, int fds[NW_CONTROL_FDS_MAX])
{
    struct nw_directory_grant grants[NW_DIRECTORIES_MAX];
    char why[256];
    int n = nw_grant_directories(load->directories ? load->directories : "", grants, why, sizeof(why));

    fds[0] = open(load->so, O_RDONLY | O_CLOEXEC);
    if (fds[0] < 0)
        fail_msg("cannot open %s: %s", load->so, strerror(errno));
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        fds[i + 1] = open(grants[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fds[i + 1] >= 0);
    }
    return n + 1;
}

/* As the engine deals them. */
static uint64_t range_of(const struct nw_harness *h, const struct nw_load *load)
{
    if (load->range || load->no_snapshots)
        return load->range;
    return NW_PLACES_START + h->next_deployment % NW_PLACES * NW_PLACE_SIZE;
}

uint32_t nw_harness_load(struct nw_harness *h, const struct nw_load *load)
{
    struct nw_control head = {
        .kind = NW_CONTROL_LOAD,
        .deployment = ++h->next_deployment,
        .slots = load->slots ? load->slots : 4,
        .timeout_ms = load->timeout_ms ? load->timeout_ms : 10000,
        .memory = load->memory ? load->memory : 256ul << 20,
        .disk = load->disk ? load->disk : 1ul << 30,
        .threads = load->threads == NW_NO_THREADS ? 0
                   : load->threads                ? load->threads
                                                  : 32,
        .weight = load->weight ? load->weight : 100,
        .cpu_limit = load->cpu_limit,
        .profile = NW_PROFILE_COMPUTE | load->profile,
        .static_tls = load->static_tls ? load->static_tls : 512,
        .range = range_of(h, load),
        .restores = load->snapshot != NULL,
        .fresh = load->fresh,
    };
    char text[2048];
    size_t length = (size_t)snprintf(text, sizeof(text), "%s%c%s%c%s%c%s%c%s%c%s", load->name, 0,
                                     load->connect ? load->connect : "", 0, load->directories ? load->directories : "",
                                     0, load->cwd ? load->cwd : "/", 0, load->calls ? load->calls : "*", 0,
                                     load->env ? load->env : "");
    int fds[NW_CONTROL_FDS_MAX], n;

    assert_true(length < sizeof(text));
    n = open_files(load, fds);
    if (load->snapshot)
        fds[n++] = fcntl(*load->snapshot, F_DUPFD_CLOEXEC, 0);
    h->unusable[0] = '\0';
    assert_int_equal(nw_control_send(h->control, &head, text, length + (load->env != NULL), fds, n), 0);
    while (n > 0)
        close(fds[--n]);
    if (await_verdict(h) == NW_CONTROL_REFUSED)
        return 0;
    snprintf(h->loaded, sizeof(h->loaded), "%.255s", h->message.text);
    nw_harness_tell(h, NW_CONTROL_ACTIVATE, head.deployment);
    await_control(h);
    return head.deployment;
}

void nw_harness_reach(struct nw_harness *h, uint32_t deployment, const struct nw_address_grant *addresses, size_t n)
{
    const struct nw_control head = {.kind = NW_CONTROL_REACH, .deployment = deployment};

    assert_int_equal(nw_control_send(h->control, &head, (const char *)addresses, n * sizeof(*addresses), NULL, 0), 0);
    await_control(h);
}

uint64_t nw_harness_send(struct nw_harness *h, uint32_t deployment, const void *input, size_t length)
{
    struct nw_desc desc = {.kind = NW_DESC_INVOKE, .id = ++h->next_id, .target = deployment, .length = length};

    if (length <= NW_INLINE_MAX && desc.id % 2) { /* both ways are good */
        desc.offset = NW_OFFSET_INLINE;
        memcpy(desc.data, input, length);
    } else if (length) {
        assert_int_equal(nw_arena_alloc(h->channel.arena, length, &desc.offset), 0);
        memcpy(nw_arena_at(h->channel.arena, desc.offset), input, length);
        h->sent[desc.id % 4096].id = desc.id;
        h->sent[desc.id % 4096].offset = desc.offset;
    }
    assert_int_equal(nw_channel_send(&h->channel, &desc), 0);
    return desc.id;
}

/* The block of an invocation's input, if it has one, is free. */
static void input_free(struct nw_harness *h, uint64_t id)
{
    if (h->sent[id % 4096].id != id)
        return;
    assert_int_equal(nw_arena_release(h->channel.arena, h->sent[id % 4096].offset), 0);
    h->sent[id % 4096].id = 0;
}

static struct nw_answer take(struct nw_harness *h, const struct nw_desc *desc)
{
    struct nw_answer answer = {.id = desc->id, .status = desc->status, .length = desc->length - desc->name_len};
    const void *payload = nw_channel_payload(&h->channel, desc);
    struct nw_desc release = {.kind = NW_DESC_RELEASE, .offset = desc->offset};

    input_free(h, desc->id);
    assert_non_null(payload);
    assert_true(desc->name_len <= desc->length); /* what the function says of its answer, which no test here looks at */
    answer.data = calloc(1, answer.length + 1);
    assert_non_null(answer.data);
    memcpy(answer.data, (const char *)payload + desc->name_len, answer.length);
    if (nw_desc_has_block(desc))
        assert_int_equal(nw_channel_send(&h->channel, &release), 0);
    return answer;
}

/* Sleeps until the worker rings. */
static int await_bell(struct nw_harness *h, int ms)
{
    struct pollfd p[2] = {{.fd = h->channel.own_doorbell, .events = POLLIN}, {.fd = h->control}};
    uint64_t count;

    if (poll(p, 2, ms) == 0)
        return -ETIMEDOUT;
    if (!p[0].revents)
        return -EPIPE;
    assert_int_equal(read(p[0].fd, &count, sizeof(count)), sizeof(count));
    nw_channel_woke(&h->channel);
    return 0;
}

/* As an engine would that knows no such function: it copies a large input first. */
static void refuse_call(struct nw_harness *h, const struct nw_desc *call)
{
    const struct nw_desc read = {.kind = NW_DESC_READ, .id = call->id},
                         reply = {.kind = NW_DESC_REPLY, .id = call->id, .status = NW_STATUS_NOT_FOUND};

    if (call->length > NW_READ_LEAST)
        assert_int_equal(nw_channel_send(&h->channel, &read), 0);
    assert_int_equal(nw_channel_send(&h->channel, &reply), 0);
}

int nw_harness_try_receive(struct nw_harness *h, int ms, struct nw_answer *answer)
{
    struct nw_desc desc;
    int error = 0;

    while (!error) {
        int got = nw_ring_pop(&h->channel.in, &desc);

        assert_true(got >= 0);
        if (got && desc.kind == NW_DESC_COMPLETE) {
            *answer = take(h, &desc);
            return 0;
        }
        if (got && desc.kind == NW_DESC_CALL)
            refuse_call(h, &desc);
        if (got && desc.kind == NW_DESC_READ) {
            assert_int_equal(h->sent[desc.id % 4096].id, desc.id); /* it has not been freed yet */
            input_free(h, desc.id);
            h->reads++;
        }
        if (!got && nw_channel_may_sleep(&h->channel))
            error = await_bell(h, ms);
    }
    return error;
}

struct nw_answer nw_harness_receive(struct nw_harness *h)
{
    struct nw_answer answer = {0};
    int error = nw_harness_try_receive(h, PATIENCE_MS, &answer);

    if (error)
        fail_msg("no answer came: %s", strerror(-error));
    return answer;
}

struct nw_answer nw_harness_invoke(struct nw_harness *h, uint32_t deployment, const void *input, size_t length)
{
    uint64_t id = nw_harness_send(h, deployment, input, length);
    struct nw_answer answer = nw_harness_receive(h);

    assert_int_equal(answer.id, id);
    return answer;
}

int nw_harness_run_modes(int (*run)(enum nw_mode mode))
{
    char why[256];
    int failed = 0;

    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    if (nw_mode_mpk_usable(why, sizeof(why)))
        failed += run(NW_MODE_MPK);
    else
        print_message("mode mpk: %s\n", why);
    failed += run(NW_MODE_PROCESS);
    return failed != 0;
}
