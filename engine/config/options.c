/* The table of options.h and what reads it. */
#include "engine/config/options.h"
#include "common/manifest/control.h"
#include "common/manifest/resources.h"
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB 1024ull
#define MIB (KIB * KIB)
#define GIB (KIB * MIB)

enum kind {
    KIND_TEXT,
    KIND_LIST,
    KIND_MODE,
    KIND_LEVEL,
    KIND_IO,
    KIND_SNAPSHOT,
    KIND_POLICY,
    KIND_COUNT,
    KIND_POWER,
    KIND_BYTES,
    KIND_PAGES,
    KIND_TIME
};

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t initial, min, max; /* for numbers */
    const char *value, *help;
};

#define AT(field) offsetof(struct nw_options, field)

static const struct option table[] = {
    {"--state", KIND_TEXT, AT(state), 0, 0, 0, "DIR", "state directory (required)"},
    {"--listen", KIND_LIST, AT(listen), 0, 0, 0, "ADDR:PORT", "where HTTP is served; may be repeated [127.0.0.1:8080]"},
    {"--metrics", KIND_TEXT, AT(metrics), 0, 0, 0, "ADDR:PORT", "where /metrics is served, beside the admin socket"},
    {"--mode", KIND_MODE, AT(mode), 0, 0, 0, "MODE", "how functions are isolated: mpk, process or none (required)"},
    {"--workers", KIND_COUNT, AT(workers), 1, 1, NW_WORKERS_MAX, "N",
     "workers of each tenant; in mode process, of each function"},
    {"--workers-most", KIND_COUNT, AT(workers_most), 1, 1, NW_WORKERS_MAX, "N",
     "workers that a tenant may have while it needs them; when more than --workers, a function is in one of them"},
    {"--executors", KIND_COUNT, AT(executors), 2, 1, 256, "N", "threads of a worker that run functions"},
    {"--engine-threads", KIND_COUNT, AT(threads), 1, 1, NW_CHANNELS_MAX, "N",
     "threads that serve HTTP, each with a loop of its own"},
    {"--body-limit", KIND_BYTES, AT(body_limit), 16 * MIB, 1, GIB, "BYTES", "largest request or response body"},
    {"--arena", KIND_PAGES, AT(arena), 0, MIB, 16 * GIB, "BYTES",
     "payload memory of a worker, each way [4 bodies of the limit, at least 64M]"},
    {"--payload-memory", KIND_BYTES, AT(payload_memory), 0, MIB, 64 * GIB, "BYTES",
     "for bodies that arrive slowly and answers that are read slowly [16 bodies of the limit, 4 for each thread, 64M]"},
    {"--ring", KIND_POWER, AT(ring), 1024, 16, 65536, "N", "descriptors of a ring; a power of two"},
    {"--queue", KIND_COUNT, AT(queue), 16384, 16, 1000000, "N", "requests of all functions that may wait for workers"},
    {"--keep", KIND_COUNT, AT(keep), 5, 1, NW_KEEP_MOST, "N",
     "versions of each function that are kept, the one that serves included"},
    {"--access-log", KIND_TEXT, AT(access_log), 0, 0, 0, "FILE", "a line for each request; - is standard error"},
    {"--log-size", KIND_BYTES, AT(log_size), MIB, 64 * KIB, 64 * MIB, "BYTES",
     "on disk for the last lines that a function wrote"},
    {"--log-total", KIND_BYTES, AT(log_total), 256 * MIB, MIB, 1024 * GIB, "BYTES", "... for those of all functions"},
    {"--header-limit", KIND_BYTES, AT(header_limit), 16 * KIB, 256, MIB, "BYTES", "request line and headers"},
    {"--header-timeout", KIND_TIME, AT(header_timeout), 10000, 1, 3600000, "TIME", "for a request's headers to arrive"},
    {"--body-timeout", KIND_TIME, AT(body_timeout), 20000, 1, 3600000, "TIME", "for each 64 KiB of a body to arrive"},
    {"--idle-timeout", KIND_TIME, AT(idle_timeout), 75000, 1, 3600000, "TIME", "an unused connection is kept"},
    {"--function-idle", KIND_TIME, AT(function_idle), 300000, 2000, 30 * 24 * 3600000ull, "TIME",
     "a function that was not called for so long is loaded again when it is"},
    {"--write-timeout", KIND_TIME, AT(write_timeout), 30000, 1, 3600000, "TIME", "a client may stop reading"},
    {"--queue-timeout", KIND_TIME, AT(queue_timeout), 30000, 1, 3600000, "TIME", "a request waits for a worker"},
    {"--load-timeout", KIND_TIME, AT(load_timeout), 30000, 1, 3600000, "TIME", "a worker may take to load a function"},
    {"--drain-timeout", KIND_TIME, AT(drain_timeout), 10000, 1, 3600000, "TIME", "requests may finish after SIGTERM"},
    {"--io", KIND_IO, AT(io), NW_IO_AUTO, 0, 0, "KIND", "event loop: auto, uring (io_uring) or uv (libuv) [auto]"},
    {"--policy", KIND_POLICY, AT(policy), NW_POLICY_LEVELS, 0, 0, "NAME",
     "by which functions have turns in a worker: " NW_POLICY_WORDS " [levels]"},
    {"--snapshot", KIND_SNAPSHOT, AT(snapshots), 0, 0, 0, "WHEN",
     "auto: domains are made from a snapshot of the first where that can be; or off [auto]"},
    {"--log-level", KIND_LEVEL, AT(log_level), NW_LOG_INFO, 0, 0, "LEVEL", "error, warn, info or debug"},
};

#define N_OPTIONS (sizeof table / sizeof table[0])

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit byte_units[] = {{"", 1}, {"K", KIB}, {"M", MIB}, {"G", GIB}, {NULL, 0}};
static const struct unit time_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};

static const struct unit *units_of(enum kind kind)
{
    if (kind == KIND_BYTES || kind == KIND_PAGES)
        return byte_units;
    return kind == KIND_TIME ? time_units : no_units;
}

static bool parse_number(const char *text, const struct unit *unit, uint64_t *value)
{
    uint64_t number = 0;
    if (!isdigit((unsigned char)*text))
        return false;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
            return false;
    for (; unit->suffix; unit++)
        if (!strcmp(text, unit->suffix))
            return !__builtin_mul_overflow(number, unit->factor, value);
    return false;
}

static void format_number(uint64_t number, const struct unit *units, char *text, size_t size)
{
    const struct unit *best = &units[0];
    for (const struct unit *unit = units; unit->suffix; unit++)
        if (number % unit->factor == 0 && number >= unit->factor)
            best = unit;
    snprintf(text, size, "%llu%s", (unsigned long long)(number / best->factor), best->suffix);
}

static void set_number(struct nw_options *options, const struct option *option, const char *text)
{
    const struct unit *units = units_of(option->kind);
    char low[32], high[32];
    uint64_t number;
    bool good = parse_number(text, units, &number) && number >= option->min && number <= option->max;
    if (good && option->kind == KIND_POWER)
        good = (number & (number - 1)) == 0;
    if (good && option->kind == KIND_PAGES)
        good = number % 4096 == 0;
    if (good) {
        memcpy((char *)options + option->offset, &number, sizeof number);
        return;
    }
    format_number(option->min, units, low, sizeof low);
    format_number(option->max, units, high, sizeof high);
    nw_die_usage("%s: \"%s\" does not do; give %s to %s%s%s", option->name, text, low, high,
                 option->kind == KIND_POWER ? ", a power of two" : "",
                 option->kind == KIND_PAGES ? ", a multiple of 4K" : "");
}

static void set_mode(struct nw_options *options, const char *text)
{
    int mode = nw_mode_parse(text);
    if (mode < 0 || mode == NW_MODE_AUTO)
        nw_die_usage("--mode: \"%s\" does not do; give mpk, process or none", text);
    options->mode = (enum nw_mode)mode;
}

static void set_level(struct nw_options *options, const char *text)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            options->log_level = (enum nw_log_level)i;
            return;
        }
    }
    nw_die_usage("--log-level: \"%s\" does not do; give error, warn, info or debug", text);
}

static void set_io(struct nw_options *options, const char *text)
{
    int kind = nw_io_kind_parse(text);
    if (kind < 0)
        nw_die_usage("--io: \"%s\" does not do; give auto, uring or uv", text);
    options->io = (enum nw_io_kind)kind;
}

static void set_policy(struct nw_options *options, const char *text)
{
    int policy = nw_policy_parse(text);
    if (policy < 0)
        nw_die_usage("--policy: \"%s\" does not do; give " NW_POLICY_WORDS, text);
    options->policy = (enum nw_policy)policy;
}

static void set_snapshot(struct nw_options *options, const char *text)
{
    options->snapshots = !strcmp(text, "auto");
    if (!options->snapshots && strcmp(text, "off"))
        nw_die_usage("--snapshot: \"%s\" does not do; give off or auto", text);
}

static void add_listen(struct nw_options *options, const char *text)
{
    if (options->n_listen == NW_LISTEN_MAX)
        nw_die_usage("--listen: more than %d addresses", NW_LISTEN_MAX);
    options->listen[options->n_listen++] = text;
}

static void set(struct nw_options *options, const struct option *option, const char *text)
{
    switch (option->kind) {
    case KIND_TEXT:
        memcpy((char *)options + option->offset, &text, sizeof text);
        break;
    case KIND_LIST:
        add_listen(options, text);
        break;
    case KIND_MODE:
        set_mode(options, text);
        break;
    case KIND_LEVEL:
        set_level(options, text);
        break;
    case KIND_IO:
        set_io(options, text);
        break;
    case KIND_POLICY:
        set_policy(options, text);
        break;
    case KIND_SNAPSHOT:
        set_snapshot(options, text);
        break;
    default:
        set_number(options, option, text);
    }
}

_Noreturn static void help(void)
{
    puts(
        "nightward-engine: serves functions over HTTP. It is started by `nightward up`, which leaves a control socket\n"
        "at file descriptor 3:\n\n"
        "  nightward-engine --state DIR --mode mpk --listen 127.0.0.1:8080 --listen [::1]:8080\n\nFlags:");
    for (size_t i = 0; i < N_OPTIONS; i++) {
        char flag[48], initial[40] = "";
        snprintf(flag, sizeof flag, "%s %s", table[i].name, table[i].value);
        if (table[i].initial && table[i].kind >= KIND_COUNT)
            format_number(table[i].initial, units_of(table[i].kind), initial, sizeof initial);
        printf("  %-22s %s%s%s%s\n", flag, table[i].help, *initial ? " [" : "", initial, *initial ? "]" : "");
    }
    exit(0);
}

static const struct option *find(const char *text, size_t length)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strlen(table[i].name) == length && !strncmp(table[i].name, text, length))
            return &table[i];
    nw_die_usage("unknown flag \"%s\"; --help shows all", text);
}

static void set_defaults(struct nw_options *options)
{
    *options = (struct nw_options){.log_level = NW_LOG_INFO, .snapshots = true};
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (table[i].kind >= KIND_COUNT)
            memcpy((char *)options + table[i].offset, &table[i].initial, sizeof table[i].initial);
}

/* Each thread has a part of it, in which large bodies must find room. */
static uint64_t default_payload_memory(const struct nw_options *options)
{
    uint64_t bodies = options->threads > 4 ? 4 * options->threads : 16;
    return bodies * options->body_limit < 64 * MIB ? 64 * MIB : bodies * options->body_limit;
}

void nw_options_parse(struct nw_options *options, int argc, char **argv)
{
    set_defaults(options);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help"))
            help();
        const char *equals = strchr(argv[i], '=');
        const struct option *option = find(argv[i], equals ? (size_t)(equals - argv[i]) : strlen(argv[i]));
        if (!equals && ++i == argc)
            nw_die_usage("%s: a value must follow: %s %s", option->name, option->name, option->value);
        set(options, option, equals ? equals + 1 : argv[i]);
    }
    if (!options->state || !*options->state)
        nw_die_usage("--state: the state directory must be given");
    if (options->mode == NW_MODE_AUTO)
        nw_die_usage("--mode: must be given; one of mpk, process and none");
    if (!options->arena)
        options->arena = 4 * options->body_limit < NW_ROOM_ARENA_BYTES ? NW_ROOM_ARENA_BYTES
                                                                       : (4 * options->body_limit + 4095) & ~4095ull;
    if (options->body_limit > options->arena)
        nw_die_usage("--body-limit: a body of %llu bytes does not fit into --arena %llu; make the arena larger",
                     (unsigned long long)options->body_limit, (unsigned long long)options->arena);
    if (!options->payload_memory)
        options->payload_memory = default_payload_memory(options);
    if (options->payload_memory / options->threads < 2 * options->body_limit)
        nw_die_usage("--payload-memory: %llu bytes are less than two bodies of --body-limit %llu for each thread",
                     (unsigned long long)options->payload_memory, (unsigned long long)options->body_limit);
    if (!options->n_listen)
        add_listen(options, "127.0.0.1:8080");
}

struct nw_geometry nw_options_geometry(const struct nw_options *options)
{
    return (struct nw_geometry){.ring_capacity = (uint32_t)options->ring, .arena_size = options->arena};
}
