/* Open and closed loops against servers that behave in ways of which the right account is known. */
#include "common/test/test.h"

#include "bench/tools/load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS       1000000u
#define STALL_MS 300

static const char OK[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* A server of one thread; each test says how it misbehaves. */
struct server {
    int listener, epoll, answered;
    int stall_after, silent_after,
        fail_after; /* that many answers it stalls once, ends answering, or answers 503; 0: never */
    bool closes;    /* close each connection after its answer */
    bool chunked;
    char url[64];
    pthread_t thread;
};

static const char *answer_of(const struct server *server)
{
    if (server->fail_after && server->answered > server->fail_after)
        return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    if (server->closes)
        return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
    return server->chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" : OK;
}

/* Requests of these tests are small, so that each arrives at once. */
static void answer(struct server *server, int fd)
{
    char request[4096];
    const char *text;

    if (recv(fd, request, sizeof request, 0) <= 0) {
        close(fd);
        return;
    }
    server->answered++;
    if (server->silent_after && server->answered > server->silent_after)
        return;
    if (server->answered == server->stall_after)
        nanosleep(&(struct timespec){.tv_nsec = STALL_MS * MS}, NULL);
    text = answer_of(server);
    send(fd, text, strlen(text), MSG_NOSIGNAL);
    if (server->closes)
        close(fd);
}

static void watch(struct server *server, int fd)
{
    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

/* Ends when the listener is shut down. */
static void *serve(void *argument)
{
    struct server *server = argument;
    struct epoll_event event;

    for (;;) {
        if (epoll_wait(server->epoll, &event, 1, -1) < 1)
            continue;
        if (event.data.fd != server->listener) {
            answer(server, event.data.fd);
            continue;
        }
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        watch(server, fd);
    }
}

static void start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    server->epoll = epoll_create1(0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    watch(server, server->listener);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->epoll);
}

static const struct nw_load_result *load(struct server *server, struct nw_load_plan plan)
{
    static struct nw_load_result result;
    struct nw_http_request request;

    start(server);
    assert_int_equal(nw_http_request_init(&request, server->url, 3), 0);
    assert_int_equal(nw_load_run(&plan, &request, &result), 0);
    nw_http_request_fini(&request);
    stop(server);
    assert_int_equal(result.latency.n + result.failed, result.requests);
    return &result;
}

/* Of 400 requests in a second, those 120 that fall due in the stall wait for 300 to 0 ms: the mean of them 150. A
 * client that counted from sending would see two slow ones, as it has two connections. */
static void test_stall_shows_in_all_requests_that_fell_due(void **state)
{
    struct server server = {.stall_after = 100};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.rate = 400, .seconds = 1, .connections = 2});

    (void)state;
    assert_int_equal(result->requests, 400);
    assert_int_equal(result->unanswered + result->failed, 0);
    assert_true(result->latency.max >= STALL_MS * MS);
    assert_true(nw_histogram_percentile(&result->latency, 86) >= STALL_MS / 2 * MS);
    assert_true(nw_histogram_percentile(&result->latency, 80) >= STALL_MS / 5 * MS);
}

/* More than the connections can carry: what waits for one counts from when it was due. */
static void test_waiting_for_a_connection_counts(void **state)
{
    struct server server = {.stall_after = 1};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.rate = 200, .seconds = 0.5, .connections = 1});

    (void)state;
    assert_int_equal(result->requests, 100);
    assert_true(nw_histogram_percentile(&result->latency, 50) >= STALL_MS / 10 * MS);
}

/* Answers that never come count as slow, and none is left out: two requests wait on two connections, and the others,
 * which are never sent, count as well. */
static void test_silence_counts_as_long(void **state)
{
    struct server server = {.silent_after = 40};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.rate = 200, .seconds = 0.5, .connections = 2});

    (void)state;
    assert_int_equal(result->unanswered, 60);
    assert_int_equal(result->failed, 0);
    assert_true(nw_histogram_percentile(&result->latency, 50) >= 2000ull * MS);
    assert_true(nw_histogram_percentile(&result->latency, 40) < 2000ull * MS);
}

static void test_errors_are_no_latencies(void **state)
{
    struct server server = {.fail_after = 30};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.rate = 200, .seconds = 0.5, .connections = 2});

    (void)state;
    assert_int_equal(result->failed, 70);
    assert_int_equal(result->latency.n, 30);
}

/* It connects again each time, and a body that ends with the connection is whole. */
static void test_server_that_closes(void **state)
{
    struct server server = {.closes = true};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.rate = 200, .seconds = 0.25, .connections = 2});

    (void)state;
    assert_int_equal(result->failed + result->unanswered, 0);
    assert_int_equal(server.answered, 50);
}

static void test_chunked_answers(void **state)
{
    struct server server = {.chunked = true};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.rate = 200, .seconds = 0.25, .connections = 2});

    (void)state;
    assert_int_equal(result->failed + result->unanswered, 0);
    assert_int_equal(server.answered, 50);
}

static void test_closed_loop_sends_as_many_as_it_may(void **state)
{
    struct server server = {0};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.seconds = 20, .connections = 3, .most = 500});

    (void)state;
    assert_int_equal(result->requests, 500);
    assert_int_equal(server.answered, 500);
    assert_int_equal(result->failed + result->unanswered, 0);
}

static void test_closed_loop_ends_when_its_time_is_over(void **state)
{
    struct server server = {.stall_after = 1};
    const struct nw_load_result *result = load(&server, (struct nw_load_plan){.seconds = 0.05, .connections = 2});

    (void)state;
    assert_int_equal(result->requests, 2);
    assert_int_equal(result->latency.n, 2);
}

/* The server gives every request the same answer, but two of the three expect another one. */
static void test_requests_are_drawn_and_answers_compared(void **state)
{
    static struct nw_load_result result;
    struct nw_http_request requests[3];
    struct server server = {0};
    struct nw_draw draw;
    struct nw_load_plan plan = {.seconds = 20, .connections = 1, .most = 30, .draw = &draw};

    (void)state;
    start(&server);
    assert_int_equal(nw_draw_init(&draw, 3, 0, 1), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nw_http_request_init(&requests[i], server.url, 3), 0);
        strcpy(requests[i].expected, i == 0 ? "ok" : i == 1 ? "o" : "ko");
    }
    assert_int_equal(nw_load_run(&plan, requests, &result), 0);
    assert_int_equal(result.latency.n, 30);
    assert_int_equal(result.wrong, 20);
    for (int i = 0; i < 3; i++)
        nw_http_request_fini(&requests[i]);
    nw_draw_fini(&draw);
    stop(&server);
}

struct told {
    unsigned answered, refused, never, broken;
    uint64_t longest;
};

static void tell(void *arg, unsigned request, int status, uint64_t ns)
{
    struct told *told = arg;

    assert_int_equal(request, 0);
    told->answered += status == 200;
    told->refused += status == 503;
    told->never += !status;
    told->broken += status == -1;
    told->longest = ns > told->longest ? ns : told->longest;
}

static void test_each_that_is_over_is_told_with_its_status(void **state)
{
    struct told failing = {0}, silent = {0};
    struct server server = {.fail_after = 30}, other = {.silent_after = 40};

    (void)state;
    load(&server, (struct nw_load_plan){.rate = 200, .seconds = 0.5, .connections = 2, .over = tell, .arg = &failing});
    assert_int_equal(failing.answered, 30);
    assert_int_equal(failing.refused, 70);
    load(&other, (struct nw_load_plan){.rate = 200, .seconds = 0.5, .connections = 2, .over = tell, .arg = &silent});
    assert_int_equal(silent.answered, 40);
    assert_int_equal(silent.never, 60);
    assert_true(silent.longest >= 2000ull * MS);
    assert_int_equal(failing.never + failing.broken + silent.broken, 0);
}

static void test_random_times_have_the_rate(void **state)
{
    struct server server = {0};
    const struct nw_load_result *result =
        load(&server, (struct nw_load_plan){.rate = 1000, .seconds = 1, .connections = 16, .at_random = true});

    (void)state;
    assert_int_equal(result->requests, 1000);
    assert_int_equal(result->failed + result->unanswered, 0);
    assert_true(result->seconds > 0.8);
}

static void test_nobody_listens(void **state)
{
    static struct nw_load_result result;
    struct nw_load_plan plan = {.rate = 10, .seconds = 1, .connections = 1};
    struct nw_http_request request;

    (void)state;
    assert_int_equal(nw_http_request_init(&request, "http://127.0.0.1:1/", 0), 0);
    assert_int_equal(nw_load_run(&plan, &request, &result), -ECONNREFUSED);
    nw_http_request_fini(&request);
}

static void test_urls(void **state)
{
    static const char *const bad[] = {"",
                                      "127.0.0.1",
                                      "https://127.0.0.1/",
                                      "http://",
                                      "http:///x",
                                      "http://a:b/",
                                      "http://127.0.0.1:80x/",
                                      "http://127.0.0.1/a b",
                                      "http://[::1/"};
    struct nw_http_request request;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(nw_http_request_init(&request, bad[i], 0), -EINVAL);
    assert_int_equal(nw_http_request_init(&request, "http://[::1]:8080", 3), 0);
    request.bytes[request.length - 1] = '\0';
    assert_string_equal(request.bytes, "POST / HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 3\r\n\r\nxx");
    nw_http_request_fini(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stall_shows_in_all_requests_that_fell_due),
        cmocka_unit_test(test_waiting_for_a_connection_counts),
        cmocka_unit_test(test_silence_counts_as_long),
        cmocka_unit_test(test_errors_are_no_latencies),
        cmocka_unit_test(test_server_that_closes),
        cmocka_unit_test(test_chunked_answers),
        cmocka_unit_test(test_closed_loop_sends_as_many_as_it_may),
        cmocka_unit_test(test_closed_loop_ends_when_its_time_is_over),
        cmocka_unit_test(test_requests_are_drawn_and_answers_compared),
        cmocka_unit_test(test_each_that_is_over_is_told_with_its_status),
        cmocka_unit_test(test_random_times_have_the_rate),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
