/*
 * nightward-worker: wires the monitor together and serves the control socket. Started by the launcher with fds 3
 * (control socket), 4 (channel), 5 (own doorbell) and 6 (the engine's doorbell). With --audit, which needs none of
 * them, it shows instead which of its instructions can change rights.
 */
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/base/xstate.h"
#include "common/host/error_text.h"
#include "common/host/spawn.h"
#include "common/manifest/control.h"
#include "common/manifest/resources.h"
#include "worker/account/room.h"
#include "worker/account/ticks.h"
#include "worker/audit/audit.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/base/ops.h"
#include "worker/call/death.h"
#include "worker/call/deployed.h"
#include "worker/call/snapshots.h"
#include "worker/domain/free.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/sleep.h"
#include "worker/executor/spent.h"
#include "worker/executor/thread.h"
#include "worker/executor/wake.h"
#include "worker/files/closing.h"
#include "worker/gate/syscall.h"
#include "worker/image/image.h"
#include "worker/image/programs.h"
#include "worker/image/vdso.h"
#include "worker/life/burial.h"
#include "worker/lines/lines.h"
#include "worker/range/pages.h"
#include "worker/run/executor.h"
#include "worker/signal/signals.h"
#include "worker/tick/source.h"
#include "worker/watch/rest.h"
#include "worker/watch/slice.h"
#include "worker/watch/watch.h"
#include "worker/wire/link.h"
#include "worker/wire/payload.h"
#include "worker/wire/receive.h"
#include "worker/wire/report.h"
#include "worker/wire/send.h"
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define FD_CONTROL  3
#define FD_CHANNEL  4
#define FD_DOORBELL 5
#define FD_ENGINE   6

#define DESCRIPTORS_AHEAD 4096
#define LIBC_PATH         "/lib/x86_64-linux-gnu/libc.so.6"

_Static_assert(NW_REST_LOOKS *NW_HOLDS_LOOKED_AT >= NW_DOMAINS_MAX, "the watch rests before it has seen all holds");

static const struct nw_gate_variant keyed = {
    nw_gate_enter_keyed,  nw_gate_inside_keyed,   nw_gate_signal_keyed, nw_gate_resume_keyed,
    nw_gate_exit_keyed,   nw_gate_exit_end_keyed, nw_gate_as_keyed,     nw_gate_as_syscall_keyed,
    nw_gate_as_cut_keyed, nw_gate_as_end_keyed,   nw_gate_syscall_as,   nw_gate_leave_keyed,
};
static const struct nw_gate_variant plain = {
    nw_gate_enter_plain,  nw_gate_inside_plain,   nw_gate_signal_plain,  nw_gate_resume_plain,
    nw_gate_exit_plain,   nw_gate_exit_end_plain, nw_gate_as_plain,      nw_gate_as_syscall_plain,
    nw_gate_as_cut_plain, nw_gate_as_end_plain,   nw_gate_syscall_plain, nw_gate_leave_plain,
};

static struct nw_shortcut_gate shortcut = {.operation = NW_OP_SYSCALL, .wanted = nw_syscall_is_direct};

struct options {
    bool audit;
    enum nw_mode mode;
    enum nw_policy policy;
    uint32_t executors;
    uint32_t worker;
    uint64_t mappings, watches; /* that the kernel allows */
    struct nw_geometry geometry;
};

static uint64_t number(const char *flag, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value < least || value > most)
        nw_die_usage("--%s takes a number from %llu to %llu, not \"%s\"", flag, (unsigned long long)least,
                     (unsigned long long)most, text);
    return value;
}

static struct options parse(int argc, char **argv)
{
    static const struct option flags[] = {
        {"mode", required_argument, NULL, 'm'},
        {"executors", required_argument, NULL, 'e'},
        {"policy", required_argument, NULL, 'p'},
        {"ring-capacity", required_argument, NULL, 'r'},
        {"arena-size", required_argument, NULL, 'a'},
        {"worker", required_argument, NULL, 'w'},
        {"mappings", required_argument, NULL, 'M'},
        {"watches", required_argument, NULL, 'W'},
        {"audit", no_argument, NULL, 'A'},
        {0},
    };
    struct options o = {.mode = NW_MODE_PROCESS,
                        .executors = 1,
                        .mappings = NW_MAPPINGS_DEFAULT,
                        .watches = NW_WATCHES_DEFAULT,
                        .geometry = {1024, 0, NW_ROOM_ARENA_BYTES}};
    int flag;

    while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1)
        switch (flag) {
        case 'A':
            o.audit = true;
            break;
        case 'm':
            if (nw_mode_parse(optarg) < 0 || nw_mode_parse(optarg) == NW_MODE_AUTO)
                nw_die_usage("--mode takes mpk, process or none, not \"%s\"", optarg);
            o.mode = (enum nw_mode)nw_mode_parse(optarg);
            break;
        case 'p':
            if (nw_policy_parse(optarg) < 0)
                nw_die_usage("--policy takes " NW_POLICY_WORDS ", not \"%s\"", optarg);
            o.policy = (enum nw_policy)nw_policy_parse(optarg);
            break;
        case 'e':
            o.executors = (uint32_t)number("executors", optarg, 1, NW_TOKENS_MAX);
            break;
        case 'r':
            o.geometry.ring_capacity = (uint32_t)number("ring-capacity", optarg, 2, 1 << 20);
            break;
        case 'a':
            o.geometry.arena_size = number("arena-size", optarg, NW_PAGE_SIZE, 1ul << 40);
            break;
        case 'w':
            o.worker = (uint32_t)number("worker", optarg, 0, UINT32_MAX);
            break;
        case 'M':
            o.mappings = number("mappings", optarg, 1, UINT32_MAX);
            break;
        case 'W':
            o.watches = number("watches", optarg, 1, UINT64_MAX);
            break;
        default:
            exit(2);
        }
    return o;
}

static void take_keys(void)
{
    int key = nw_keys_take();

    if (key)
        nw_die_system("cannot take protection key %d: %s; mode mpk needs all 15", key, strerror(errno));
}

/* What a signal frame is sure to hold, up to the rights. CPUID's own sum has AMX in it, which frames leave out. */
static void measure_xsave(struct nw_config *config)
{
    const unsigned kept = NW_XFEATURES_KEPT | NW_XFEATURE_PKRU;
    unsigned a, b, c, d, enabled, size = NW_XSAVE_LEAST;

    if (!__get_cpuid_count(0xd, 0, &a, &b, &c, &d) || !__builtin_cpu_supports("avx") ||
        !(getauxval(AT_HWCAP2) & 2 /* FSGSBASE */))
        nw_die_system("this CPU or kernel lacks XSAVE, AVX or FSGSBASE, which every mode needs");
    __asm__("xgetbv" : "=a"(enabled), "=d"(d) : "c"(0));
    for (unsigned i = 2; i <= NW_XFEATURE_PKRU_BIT; i++)
        if ((enabled & kept) >> i & 1 && __get_cpuid_count(0xd, i, &a, &b, &c, &d) && a + b > size)
            size = a + b;
    config->xsave_size = (size + 63) & ~63u;
    config->xsave_features = enabled & NW_XFEATURES_KEPT;
    if (__get_cpuid_count(0xd, NW_XFEATURE_PKRU_BIT, &a, &b, &c, &d))
        config->xsave_pkru_offset = b;
}

static void open_programs(void)
{
    extern const char nw__stub_start[], nw__stub_end[];
    size_t size = (size_t)(nw__stub_end - nw__stub_start);

    if (nw_program_open_loader() < 0)
        nw_die_system("cannot open " NW_LOADER_PATH ": %s", strerror(errno));
    if (nw_program_store_stub(nw__stub_start, size) < 0)
        nw_die_system("cannot store the stub: %s", strerror(errno));
    shortcut.address = (uint64_t)nw_config()->gate->enter;
    if (nw_image_caches_make(&shortcut) < 0)
        nw_die_system("cannot make the image cache: %s", strerror(errno));
}

static void keep_rights(void)
{
    static struct nw_audit audit;
    int error = nw_audit(&audit);

    if (error == -EPERM)
        nw_audit_refuse(&audit);
    if (error)
        nw_die_system("cannot keep functions from changing their rights: %s", strerror(-error));
}

static void configure(enum nw_mode mode, enum nw_policy policy)
{
    struct nw_config config = {.mode = mode, .policy = policy, .keyed = mode == NW_MODE_MPK};
    bool moved;

    config.gate = config.keyed ? &keyed : &plain;
    measure_xsave(&config);
    if (config.keyed) {
        take_keys();
        keep_rights();
    }
    config.vdso = nw_vdso_share(config.keyed, &moved);
    config.same_vdso = moved || !config.vdso;
    nw_config_set(&config);
}

/* Once a process has threads, the kernel makes a call that needs a larger table of descriptors wait for all processors,
 * and the executor with it. So the table has its size before there is any thread; smaller, where the limit is. */
static void widen_descriptors(void)
{
    int fd = -1;

    for (int size = DESCRIPTORS_AHEAD; fd < 0 && size > FD_CONTROL; size /= 2)
        fd = fcntl(FD_CONTROL, F_DUPFD_CLOEXEC, size - 1);
    if (fd >= 0)
        close(fd);
}

/* A worker does without, but whoever looks for why nested calls are slow should know. */
static void register_barriers(void)
{
    char text[NW_ERROR_TEXT];
    int error = nw_free_init();

    if (error)
        nw_log(NW_LOG_WARN,
               "nested calls take locks: the kernel puts no barriers into this process's threads "
               "(membarrier): %s",
               nw_error_text(-error, text));
}

/* Returns what wakes the control thread: a file. */
static int prepare(const struct options *o)
{
    extern const unsigned int __rseq_size;
    char text[NW_ERROR_TEXT];
    int error, wake;

    if (__rseq_size != 0)
        nw_die_system("rseq is on; start this program with GLIBC_TUNABLES=glibc.pthread.rseq=0");
    widen_descriptors();
    nw_ticks_measure();
    nw_slice_init(getenv("NW_CHAOS_PREEMPT") ? (uint32_t)strtoul(getenv("NW_CHAOS_PREEMPT"), NULL, 10) : 0);
    nw_tell_init(FD_CONTROL, o->worker);
    wake = nw_wake_init(FD_DOORBELL);
    if (wake < 0)
        nw_die_system("cannot make an eventfd: %s", nw_error_text(-wake, text));
    error = nw_links_init(&o->geometry, FD_CHANNEL, FD_DOORBELL, FD_ENGINE);
    if (error)
        nw_die_system("cannot attach the channel to the engine: %s", nw_error_text(-error, text));
    if (fcntl(FD_CONTROL, F_SETFD, FD_CLOEXEC) < 0 || fcntl(FD_CONTROL, F_SETFL, O_NONBLOCK) < 0)
        nw_die_system("fd %d is no control socket: %s", FD_CONTROL, strerror(errno));
    configure(o->mode, o->policy);
    open_programs();
    nw_rooms_measure(o->mappings, o->watches);
    nw_pages_measure();
    register_barriers();
    error = nw_burial_init();
    if (!error)
        error = nw_closing_init();
    if (!error)
        error = nw_taker_init(&nw_deployed_snapshots);
    if (!error)
        error = nw_tick_init(getenv("NW_TICKER") != NULL);
    if (!error)
        error = nw_executors_init(o->executors, nw_executor_next);
    if (error)
        nw_die_system("cannot start %u executors and four threads: %s", o->executors, nw_error_text(-error, text));
    return wake;
}

static void on_message(const struct nw_control_message *message)
{
    switch (message->head.kind) {
    case NW_CONTROL_LOAD:
        nw_deployed_load(message);
        break;
    case NW_CONTROL_REACH:
        nw_deployed_reach(message);
        break;
    case NW_CONTROL_CHANNEL:
        nw_link_add(message);
        break;
    case NW_CONTROL_ACTIVATE:
        nw_deployed_activate(message->head.deployment);
        break;
    case NW_CONTROL_UNNAME:
        nw_deployed_unname(message->head.deployment);
        break;
    case NW_CONTROL_RETIRE:
        nw_deployed_retire(message->head.deployment);
        break;
    default:
        nw_die_system("the engine sent a message of unknown kind %u", message->head.kind);
    }
}

static void receive(void)
{
    static struct nw_control_message message;
    char text[NW_ERROR_TEXT];
    int got;

    pthread_mutex_lock(&nw_monitor_lock);
    got = nw_control_recv(FD_CONTROL, &message);

    if (got == 0) { /* the engine is gone, and with it every reason to live */
        nw_lines_rest(UINT64_MAX);
        exit(0);
    }
    if (got == 1)
        on_message(&message);
    else if (got != -EAGAIN && got != -EINTR)
        nw_die_system("the control socket failed: %s", nw_error_text(-got, text));
    pthread_mutex_unlock(&nw_monitor_lock);
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One look at everything that the clock drives. Returns when to look again, in ns of CLOCK_MONOTONIC. */
static uint64_t look(uint64_t now)
{
    static struct nw_rest rest;
    enum nw_watched watched = nw_watch(now);
    enum nw_control_rest how;
    bool untold;
    uint64_t next;

    nw_deaths_settle();
    if (nw_deployed_tend(now))
        watched = NW_WATCHED_RUNS;
    untold = nw_tell_usage(now);
    untold |= nw_tell_holds(now);
    if (untold && watched == NW_WATCHED_NOTHING)
        watched = NW_WATCHED_RAN;
    nw_tell_calls(now);
    nw_post_flush();
    how = nw_rest(&rest, now, watched, &next);
    next = earliest(next, nw_signal_timers_run(now)); /* first: a signal that comes when a sleep ends interrupts it */
    next = earliest(next, nw_sleepers_run(now));
    next = earliest(next, nw_spent_run(now));
    next = earliest(next, nw_lines_rest(now));
    nw_tell_lines();
    nw_deaths_settle();
    nw_wake_control_sleeps(next, how);
    return next;
}

/* The control thread: messages, timers, deadlines, domains to be made. Never runs a domain itself. */
static noreturn void serve(int wake)
{
    struct pollfd fds[2] = {{.fd = FD_CONTROL, .events = POLLIN}, {.fd = wake, .events = POLLIN}};
    uint64_t count;

    for (;;) {
        uint64_t now, next;
        struct timespec wait;

        if (fds[0].revents & ~POLLOUT)
            receive();
        pthread_mutex_lock(&nw_monitor_lock);
        nw_tell_rest();
        now = nw_now();
        next = look(now);
        fds[0].events = nw_tell_waits() ? POLLIN | POLLOUT : POLLIN;
        pthread_mutex_unlock(&nw_monitor_lock);
        wait.tv_sec = (time_t)((next - now) / 1000000000ull);
        wait.tv_nsec = (long)((next - now) % 1000000000ull);
        if (ppoll(fds, 2, next == UINT64_MAX ? NULL : &wait, NULL) < 0)
            fds[0].revents = fds[1].revents = 0;
        if (fds[1].revents && read(wake, &count, sizeof(count)) < 0)
            count = 0; /* another wake-up was faster */
    }
}

int main(int argc, char **argv)
{
    static char name[48];
    struct options o;
    int wake;

    nw_log_init("nightward-worker", NW_LOG_INFO);
    o = parse(argc, argv);
    if (o.audit)
        return nw_audit_print() | nw_audit_print_host(NW_LOADER_PATH) | nw_audit_print_host(LIBC_PATH);
    snprintf(name, sizeof(name), "nightward-worker-%u", o.worker);
    nw_log_init(name, NW_LOG_INFO);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);  /* the end of a terminal is not the end of a host */
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is an error of its writer */
    nw_process_close();
    nw_error_text_prepare();
    wake = prepare(&o);
    nw_tell_engine(NW_CONTROL_HELLO, 0, nw_config()->keyed ? nw_keys_free() : 0, nw_mode_name(o.mode));
    serve(wake);
}
