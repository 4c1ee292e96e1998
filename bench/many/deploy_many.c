/*
 * deploy_many SOCKET FIRST COUNT CONNECTIONS [SETTINGS]: deploys the functions f<FIRST> and so on by the admin API on a
 * Unix socket, so many at once; SETTINGS are a query such as "slots=1&fresh=yes". Their code is
 * build/bench/functions/variant.so with their number in it. Prints "p50=.. p99=.. max=.. n=.. errors=.. seconds=..", in
 * microseconds, and the first refusal on standard error.
 */
#include "bench/many/variant.h"
#include "bench/tools/histogram.h"
#include "common/base/clock.h"
#include "engine/test/e2e/tools/load_http.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define NUMBER_MAX      10000000ul
#define PATIENCE_S      60

static const char *template, *settings = "";
static struct load_target admin = {.patience_s = PATIENCE_S};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static unsigned long next_number, end_number, errors;
static struct nw_histogram times;

/* False when all were taken. */
static bool take_number(unsigned long *number)
{
    pthread_mutex_lock(&lock);
    *number = next_number;
    bool taken = next_number < end_number;
    next_number += taken;
    pthread_mutex_unlock(&lock);
    return taken;
}

static void note(unsigned long number, uint64_t ns, const struct load_response *response)
{
    pthread_mutex_lock(&lock);
    if (response->status == 200)
        nw_histogram_add(&times, ns);
    else if (errors++ == 0)
        fprintf(stderr, "deploy_many: f%lu: status %d: %.*s\n", number, response->status, (int)response->length,
                response->length ? response->body : "");
    pthread_mutex_unlock(&lock);
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool deploy(struct load_connection *connection, unsigned long number, const struct nw_variant *variant,
                   struct load_response *response)
{
    char head[1024];
    int length =
        snprintf(head, sizeof head, "PUT /v1/functions/f%lu?%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                 number, settings, variant->length);

    *response = (struct load_response){0};
    return length < (int)sizeof head && send_all(connection->fd, head, (size_t)length) &&
           send_all(connection->fd, variant->bytes, variant->length) && load_receive(connection, response);
}

static void *deploy_some(void *argument)
{
    struct load_connection connection;
    struct load_response response;
    struct nw_variant variant;
    unsigned long number;
    bool connected = false;

    (void)argument;
    if (nw__variant_init(&variant, template))
        return NULL;
    while (take_number(&number)) {
        uint64_t start = nw_clock_ns();
        nw__variant_number(&variant, number);
        connected = connected || load_connect(&connection, &admin);
        bool answered = connected && deploy(&connection, number, &variant, &response);
        note(number, nw_clock_ns() - start, answered ? &response : &(struct load_response){0});
        if (connected && (!answered || response.close)) {
            load_close(&connection);
            connected = false;
        }
    }
    if (connected)
        load_close(&connection);
    nw__variant_fini(&variant);
    return NULL;
}

static double microseconds(double percent)
{
    return (double)nw_histogram_percentile(&times, percent) / 1000;
}

static int run(unsigned connections)
{
    pthread_t threads[CONNECTIONS_MAX];
    uint64_t start = nw_clock_ns();
    unsigned started = 0;

    while (started < connections && !pthread_create(&threads[started], NULL, deploy_some, NULL))
        started++;
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    errors += end_number - next_number; /* when no thread could begin */
    printf("p50=%.0f p99=%.0f max=%.0f n=%lu errors=%lu seconds=%.3f\n", microseconds(50), microseconds(99),
           microseconds(100), times.n, errors, (double)(nw_clock_ns() - start) / 1e9);
    return errors ? 1 : 0;
}

int main(int argc, char **argv)
{
    unsigned long count = 0, connections = 0;

    if (argc < 5 || argc > 6 || sscanf(argv[2], "%lu", &next_number) != 1 || sscanf(argv[3], "%lu", &count) != 1 ||
        sscanf(argv[4], "%lu", &connections) != 1 || next_number > NUMBER_MAX || count > NUMBER_MAX || !connections ||
        connections > CONNECTIONS_MAX) {
        fputs("usage: deploy_many SOCKET FIRST COUNT CONNECTIONS [SETTINGS]\n", stderr);
        return 2;
    }
    end_number = next_number + count;
    admin.unix_path = argv[1];
    template = nw__variant_built();
    if (argc == 6)
        settings = argv[5];
    return run((unsigned)connections);
}
