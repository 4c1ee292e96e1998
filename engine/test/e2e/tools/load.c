/*
 * Load with a memory: every request carries a token of its own, and its response must carry the same one. Counts what
 * came back right, mixed up, refused and not at all. Runs until the requests are used up, the time is over, or SIGTERM.
 * Says "running" when its first client got its first right answer.
 *
 * Not a benchmark: it says nothing about time.
 */
#include "engine/test/e2e/tools/load_http.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX  256
#define PIPELINE_MAX 64

struct options {
    struct load_target target;
    const char *input;  /* what is sent; %s is the token */
    const char *expect; /* what must come back; %s is the token */
    long clients;
    long requests; /* of each client; 0: until the time is over */
    long pipeline;
    long size; /* the token is padded to this many bytes */
    long seconds;
    long rate;       /* requests of all clients in a second; 0: as soon as the last is answered */
    long long begun; /* when, in ns: what is due is counted from here */
    bool tolerate;   /* errors and lost responses do not fail the run; mixed-up ones always do */
};

struct counts {
    long ok;
    long mixed;  /* status 200 and not the bytes that belong to the request */
    long lost;   /* the connection failed or ended before the response */
    long errors; /* any other status */
};

struct client {
    pthread_t thread;
    const struct options *options;
    long number;
    long sent;
    struct counts counts;
};

static volatile sig_atomic_t stop;

static void on_stop(int signal)
{
    (void)signal;
    stop = 1;
}

/* "CLIENT.REQUEST.PID." and padding of letters that depend on both numbers. Returned memory is the caller's. */
static char *make_token(const struct client *client, long request)
{
    char head[64];
    int head_length = snprintf(head, sizeof head, "%ld.%ld.%d.", client->number, request, (int)getpid());
    size_t length =
        (size_t)head_length > (size_t)client->options->size ? (size_t)head_length : (size_t)client->options->size;
    char *token = malloc(length + 1);

    if (!token)
        return NULL;
    memcpy(token, head, (size_t)head_length);
    for (size_t i = (size_t)head_length; i < length; i++)
        token[i] = (char)('a' + (i + (size_t)client->number * 7 + (size_t)request * 3) % 26);
    token[length] = '\0';
    return token;
}

/* The template with its one %s, if any, replaced. Returned memory is the caller's. */
static char *fill(const char *template, const char *token)
{
    const char *hole = strstr(template, "%s");
    char *text = NULL;

    if (!hole)
        return strdup(template);
    if (asprintf(&text, "%.*s%s%s", (int)(hole - template), template, token, hole + 2) < 0)
        return NULL;
    return text;
}

static bool send_one(struct load_connection *connection, const struct client *client, long request)
{
    char *token = make_token(client, request);
    char *input = token ? fill(client->options->input, token) : NULL;
    bool sent = input && load_send(connection, &client->options->target, input, strlen(input));

    free(input);
    free(token);
    return sent;
}

/* How much of a response a message quotes. */
static int shown(const struct load_response *response)
{
    return response->length < 300 ? (int)response->length : 300;
}

static void judge(struct client *client, long request, const struct load_response *response)
{
    char *token = make_token(client, request);
    char *expected = token ? fill(client->options->expect, token) : NULL;

    if (response->status != 200) {
        client->counts.errors++;
        if (!client->options->tolerate)
            fprintf(stderr, "load: client %ld request %ld: status %d: %.*s\n", client->number, request,
                    response->status, shown(response), response->body);
    } else if (expected && strlen(expected) == response->length &&
               !memcmp(expected, response->body, response->length)) {
        if (client->counts.ok++ == 0 && client->number == 0) {
            puts("running");
            fflush(stdout);
        }
    } else {
        client->counts.mixed++;
        fprintf(stderr, "load: client %ld request %ld: %zu bytes that are not its own: %.*s\n", client->number, request,
                response->length, shown(response), response->body);
    }
    free(expected);
    free(token);
}

/* Sends up to `pipeline` requests, then reads as many responses. False when the connection is of no more use. */
static bool exchange(struct client *client, struct load_connection *connection, long batch)
{
    struct load_response response;
    long first = client->sent, sent = 0, answered = 0;

    while (sent < batch && send_one(connection, client, first + sent))
        sent++;
    client->sent += batch;
    while (answered < sent && load_receive(connection, &response)) {
        judge(client, first + answered, &response);
        answered++;
        if (response.close)
            break;
    }
    client->counts.lost += batch - answered;
    return answered == batch && !response.close;
}

/* True once the run is over for this client. A lost connection is followed by a pause, not by a storm. */
static bool finished(const struct client *client)
{
    return stop || (client->options->requests && client->sent >= client->options->requests);
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static long long now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

/* The clients take turns. One that is late sends what it owes without a pause. */
static void await_turn(const struct client *client)
{
    const struct options *options = client->options;

    if (!options->rate)
        return;
    long long due = options->begun + (client->sent * options->clients + client->number) * 1000000000ll / options->rate;
    const struct timespec time = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void *run_client(void *argument)
{
    struct client *client = argument;
    const struct options *options = client->options;

    while (!finished(client)) {
        struct load_connection connection;
        if (!load_connect(&connection, &options->target)) {
            client->counts.lost++;
            client->sent++;
            pause_ms(20);
            continue;
        }
        while (!finished(client)) {
            await_turn(client);
            long left = options->requests ? options->requests - client->sent : options->pipeline;
            if (!exchange(client, &connection, left < options->pipeline ? left : options->pipeline))
                break;
        }
        load_close(&connection);
    }
    return NULL;
}

static int usage(FILE *to)
{
    fputs("usage: load [options] ADDRESS:PORT /PATH\n"
          "  --input TEXT      request body; %s is the token (default: the token)\n"
          "  --expect TEXT     response body that is right; %s is the token (default: the token)\n"
          "  --clients N       connections, each with a thread (default 1)\n"
          "  --requests N      requests of each client; 0: until the time is over or SIGTERM (default 100)\n"
          "  --pipeline N      requests sent before their responses are read (default 1)\n"
          "  --rate N          requests of all clients in a second, due whether or not earlier ones are answered\n"
          "  --size BYTES      pad the token to this size\n"
          "  --seconds N       end after this time in any case (default 20)\n"
          "  --chunked         send chunked bodies\n"
          "  --unix PATH       connect to this Unix socket instead\n"
          "  --tolerate        errors and lost responses do not fail the run; mixed-up ones do\n",
          to);
    return to == stdout ? 0 : 2;
}

static bool number(const char *text, long low, long high, long *value)
{
    char *end;

    errno = 0;
    *value = strtol(text, &end, 10);
    return !errno && end != text && !*end && *value >= low && *value <= high;
}

static const struct option flags[] = {
    {"input", required_argument, NULL, 'i'},
    {"expect", required_argument, NULL, 'e'},
    {"clients", required_argument, NULL, 'c'},
    {"requests", required_argument, NULL, 'n'},
    {"pipeline", required_argument, NULL, 'p'},
    {"size", required_argument, NULL, 's'},
    {"rate", required_argument, NULL, 'r'},
    {"seconds", required_argument, NULL, 't'},
    {"chunked", no_argument, NULL, 'k'},
    {"unix", required_argument, NULL, 'u'},
    {"tolerate", no_argument, NULL, 'T'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool set_option(struct options *options, int flag)
{
    switch (flag) {
    case 'i':
        options->input = optarg;
        return true;
    case 'e':
        options->expect = optarg;
        return true;
    case 'c':
        return number(optarg, 1, CLIENTS_MAX, &options->clients);
    case 'n':
        return number(optarg, 0, 100000000, &options->requests);
    case 'p':
        return number(optarg, 1, PIPELINE_MAX, &options->pipeline);
    case 'r':
        return number(optarg, 1, 1000000, &options->rate);
    case 's':
        return number(optarg, 0, 64 << 20, &options->size);
    case 't':
        return number(optarg, 1, 600, &options->seconds);
    case 'k':
        options->target.chunked = true;
        return true;
    case 'u':
        options->target.unix_path = optarg;
        return true;
    case 'T':
        options->tolerate = true;
        return true;
    default:
        return false;
    }
}

static struct counts run(const struct options *options)
{
    static struct client clients[CLIENTS_MAX];
    struct counts total = {0};
    long started = 0;

    for (; started < options->clients; started++) {
        clients[started] = (struct client){.options = options, .number = started};
        if (pthread_create(&clients[started].thread, NULL, run_client, &clients[started]))
            break;
    }
    for (long i = 0; i < started; i++) {
        pthread_join(clients[i].thread, NULL);
        total.ok += clients[i].counts.ok;
        total.mixed += clients[i].counts.mixed;
        total.lost += clients[i].counts.lost;
        total.errors += clients[i].counts.errors;
    }
    return total;
}

int main(int argc, char **argv)
{
    struct options options = {
        .input = "%s", .expect = "%s", .clients = 1, .requests = 100, .pipeline = 1, .seconds = 20};
    struct counts counts;

    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        if (flag == 'h')
            return usage(stdout);
        if (!set_option(&options, flag))
            return usage(stderr);
    }
    if (argc - optind != 2 || !load_target_parse(&options.target, argv[optind], argv[optind + 1]))
        return usage(stderr);
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_stop}, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_stop}, NULL);
    alarm((unsigned)options.seconds);
    options.begun = now_ns();
    counts = run(&options);
    printf("ok=%ld mixed=%ld lost=%ld errors=%ld\n", counts.ok, counts.mixed, counts.lost, counts.errors);
    if (counts.mixed || !counts.ok)
        return 1;
    return !options.tolerate && (counts.lost || counts.errors);
}
