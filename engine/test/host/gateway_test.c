/* What a client of the gateway sees, against a whole host with a fake worker. */
#include "engine/test/host/host.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define MIB (1024 * 1024)

static struct host host;

static int set_up(void **state)
{
    (void)state;
    static const char *const flags[] = {"--header-timeout",
                                        "300ms",
                                        "--body-timeout",
                                        "300ms",
                                        "--idle-timeout",
                                        "700ms",
                                        "--header-limit",
                                        "4K",
                                        "--write-timeout",
                                        "500ms",
                                        NULL};
    host_start(&host, flags);
    deploy(&host, "echo", "echo");
    deploy(&host, "slow", "slow 50");
    deploy(&host, "fail", "fail a \"quoted\" \x01 \xff reason");
    deploy(&host, "big", "big 16777216");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

static void answers_post_and_get(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    struct answer answer = exchange(fd, "POST", "/function/echo", "hello", 5);
    assert_string_equal(header_of(&answer, "Content-Type"), "application/octet-stream");
    assert_null(header_of(&answer, "Connection"));
    assert_int_equal(strlen(header_of(&answer, "X-Request-Id")), 16);
    expect(answer, 200, "hello");
    expect(exchange(fd, "GET", "/function/echo?a=b", "", 0), 200, "");
    expect(exchange(fd, "POST", "http://somewhere:80/function/echo", "abs", 3), 200, "abs");
    answer = exchange(fd, "HEAD", "/function/echo", "four", 4);
    assert_string_equal(header_of(&answer, "Content-Length"), "4");
    expect(answer, 200, "");
    expect(exchange(fd, "POST", "/function/echo", "after", 5), 200, "after");
    close(fd);
}

static void answers_errors_as_json(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    expect_error(exchange(fd, "POST", "/function/none", "x", 1), 404, "function_not_found");
    expect_error(exchange(fd, "POST", "/function/none/b", "x", 1), 404, "function_not_found");
    expect_error(exchange(fd, "POST", "/function/none/", "x", 1), 404, "function_not_found");
    expect_error(exchange(fd, "POST", "/function/..%2f", "x", 1), 404, "function_not_found");
    expect_error(exchange(fd, "GET", "/", "", 0), 404, "no_route");
    expect_error(exchange(fd, "POST", "http://somewhere?a/function/echo", "x", 1), 404, "no_route");
    struct answer answer = exchange(fd, "PUT", "/function/echo", "x", 1);
    assert_string_equal(header_of(&answer, "Allow"), "GET, HEAD, OPTIONS, POST");
    expect_error(answer, 405, "method_not_allowed");
    expect_error(exchange(fd, "POST", "/healthz", "", 0), 405, "method_not_allowed");
    answer = exchange(fd, "POST", "/function/fail", "x", 1);
    assert_null(strstr(answer.body, "reason"));
    assert_non_null(strstr(answer.body, "\"function\":\"fail\""));
    expect_error(answer, 500, "function_failed");
    close(fd);
}

static void expect_no_path(int fd, const char *target)
{
    struct answer answer = exchange(fd, "POST", target, "x", 1);
    assert_non_null(strstr(answer.body, "\"function\":\"echo\""));
    assert_non_null(strstr(answer.body, "cannot see a path behind their name"));
    expect_error(answer, 404, "no_route");
}

/* A path behind the name of a function that exists is refused, but not as if the function did not exist. */
static void tells_a_path_behind_a_name_from_an_unknown_function(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    expect_no_path(fd, "/function/echo/");
    expect_no_path(fd, "/function/echo/a/b?c=d");
    expect_no_path(fd, "http://somewhere/function/echo/a");
    expect(exchange(fd, "POST", "/function/echo?a=/b/&c", "query", 5), 200, "query");
    expect(exchange(fd, "POST", "/function/echo?", "empty", 5), 200, "empty");
    close(fd);
}

static void tells_the_methods_of_a_function(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "OPTIONS /function/echo HTTP/1.1\r\nHost: a\r\n\r\n");
    struct answer answer = read_answer_to(fd, true);
    assert_string_equal(header_of(&answer, "Allow"), "GET, HEAD, OPTIONS, POST");
    assert_null(header_of(&answer, "Content-Length"));
    assert_null(header_of(&answer, "Content-Type"));
    expect(answer, 204, "");
    expect(exchange(fd, "POST", "/function/echo", "after", 5), 200, "after");
    close(fd);
}

/* The path of AWS Lambda names a function, and nothing else. */
static void answers_where_clients_of_lambda_call(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    expect(exchange(fd, "POST", "/2015-03-31/functions/echo/invocations", "event", 5), 200, "event");
    expect(exchange(fd, "POST", "/2015-03-31/functions/echo/invocations?Qualifier=1", "event", 5), 200, "event");
    expect_error(exchange(fd, "POST", "/2015-03-31/functions/none/invocations", "x", 1), 404, "function_not_found");
    expect_error(exchange(fd, "POST", "/2015-03-31/functions/echo", "x", 1), 404, "no_route");
    expect_error(exchange(fd, "POST", "/2015-03-31/functions/echo/a/invocations", "x", 1), 404, "no_route");
    expect_error(exchange(fd, "POST", "/2015-03-31/functions//invocations", "x", 1), 404, "function_not_found");
    struct answer answer = exchange(fd, "PUT", "/2015-03-31/functions/echo/invocations", "x", 1);
    assert_string_equal(header_of(&answer, "Allow"), "POST");
    expect_error(answer, 405, "method_not_allowed");
    close(fd);
}

static void answers_health(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    expect(exchange(fd, "GET", "/healthz", "", 0), 200, "ok\n");
    expect(exchange(fd, "GET", "/readyz", "", 0), 200, "ready\n");
    close(fd);
}

static struct answer with_id(const char *id)
{
    char request[512];
    int fd = host_connect(&host);
    snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n\r\n", id);
    send_text(fd, request);
    struct answer answer = read_answer(fd);
    close(fd);
    return answer;
}

static void keeps_a_safe_request_id(void **state)
{
    (void)state;
    char long_id[66];
    struct answer answer = with_id("Ab-1_2.3:4");
    assert_string_equal(header_of(&answer, "X-Request-Id"), "Ab-1_2.3:4");
    answer_fini(&answer);
    answer = with_id("a\"b");
    assert_string_not_equal(header_of(&answer, "X-Request-Id"), "a\"b");
    answer_fini(&answer);
    memset(long_id, 'a', 65);
    long_id[65] = '\0';
    answer = with_id(long_id);
    assert_int_equal(strlen(header_of(&answer, "X-Request-Id")), 16);
    answer_fini(&answer);
}

static void speaks_http_1_0(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "POST /function/echo HTTP/1.0\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc");
    struct answer answer = read_answer(fd);
    assert_string_equal(header_of(&answer, "Connection"), "keep-alive");
    expect(answer, 200, "abc");
    send_text(fd, "POST /function/echo HTTP/1.0\r\nContent-Length: 3\r\n\r\ndef");
    answer = read_answer(fd);
    assert_string_equal(header_of(&answer, "Connection"), "close");
    expect(answer, 200, "def");
    assert_true(is_closed(fd));
    close(fd);
}

static void closes_when_asked(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd,
              "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    struct answer answer = read_answer(fd);
    assert_string_equal(header_of(&answer, "Connection"), "close");
    expect(answer, 200, "ok\n");
    assert_true(is_closed(fd));
    close(fd);
}

static void answers_a_client_that_is_done_sending(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "POST /function/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    shutdown(fd, SHUT_WR);
    struct answer answer = read_answer(fd);
    if (answer.status == 100) { /* whether it is still there, when the answer takes a while */
        answer_fini(&answer);
        answer = read_answer(fd);
    }
    expect(answer, 200, "hi");
    assert_true(is_closed(fd));
    close(fd);
}

static void takes_chunked_bodies(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n");
    expect(read_answer(fd), 200, "abcdefg");
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    expect(read_answer(fd), 200, "");
    close(fd);
}

static void *pattern(size_t length)
{
    unsigned char *data = malloc(length);
    uint32_t x = 1;
    for (size_t i = 0; i < length; i++)
        data[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
    return data;
}

/* In chunks that grow, so that the block has to move several times. */
static void takes_large_chunked_bodies(void **state)
{
    (void)state;
    size_t size = 5 * MIB + 3, sent = 0, chunk = 1;
    char *data = pattern(size), line[32];
    int fd = host_connect(&host);
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (sent < size) {
        size_t n = size - sent < chunk ? size - sent : chunk;
        snprintf(line, sizeof line, "%zx\r\n", n);
        send_text(fd, line);
        send_bytes(fd, data + sent, n);
        send_text(fd, "\r\n");
        sent += n;
        chunk = chunk * 3 + 1;
    }
    send_text(fd, "0\r\n\r\n");
    struct answer answer = read_answer(fd);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length, size);
    assert_memory_equal(answer.body, data, size);
    answer_fini(&answer);
    free(data);
    close(fd);
}

static void takes_bodies_up_to_the_limit(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 4096, 65536, 262144, 262145, MIB, 16 * MIB};
    char *data = pattern(16 * MIB);
    int fd = host_connect(&host);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct answer answer = exchange(fd, "POST", "/function/echo", data, sizes[i]);
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.length, sizes[i]);
        assert_memory_equal(answer.body, data, sizes[i]);
        answer_fini(&answer);
    }
    close(fd);
    free(data);
}

static void refuses_bodies_over_the_limit(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\n\r\n");
    expect_error(read_answer(fd), 413, "body_too_large");
    assert_true(is_closed(fd));
    close(fd);

    fd = host_connect(&host);
    send_text(fd,
              "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\nExpect: 100-continue\r\n\r\n");
    expect_error(read_answer(fd), 413, "body_too_large");
    close(fd);

    fd = host_connect(&host);
    send_text(fd,
              "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nfffffe\r\n");
    expect_error(read_answer(fd), 413, "body_too_large");
    close(fd);
}

/* A client that sends all of a body that is too long must still be able to read the answer. */
static void answers_413_to_a_client_that_keeps_sending(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    char *data = pattern(MIB);
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n");
    for (int i = 0; i < 20; i++)
        send_bytes(fd, data, MIB);
    expect_error(read_answer(fd), 413, "body_too_large");
    free(data);
    close(fd);
}

static void continues_when_expected(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    struct answer answer = read_answer(fd);
    assert_int_equal(answer.status, 100);
    answer_fini(&answer);
    send_text(fd, "abc");
    expect(read_answer(fd), 200, "abc");

    /* Not asked for when the body is there already, nor by HTTP/1.0. */
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\ndef");
    expect(read_answer(fd), 200, "def");

    /* Not before the answers in front of it. */
    send_text(fd, "POST /function/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
                  "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    expect(read_answer(fd), 200, "1");
    expect(read_answer(fd), 100, NULL);
    send_text(fd, "2");
    expect(read_answer(fd), 200, "2");

    /* An answer instead of it ends the connection, because nobody knows whether the body comes. */
    send_text(fd, "POST /function/none HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    answer = read_answer(fd);
    assert_string_equal(header_of(&answer, "Connection"), "close");
    expect_error(answer, 404, "function_not_found");
    assert_true(is_closed(fd));
    close(fd);
}

static void refuses_heads_over_the_limit(void **state)
{
    (void)state;
    char line[1024];
    int fd = host_connect(&host);
    send_text(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n");
    memset(line, 'x', sizeof line);
    memcpy(line, "A: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    for (int i = 0; i < 4; i++)
        send_bytes(fd, line, sizeof line);
    expect_error(read_answer(fd), 431, "headers_too_large");
    assert_true(is_closed(fd));
    close(fd);
}

static void times_out_slow_clients(void **state)
{
    (void)state;
    int head = host_connect(&host), body = host_connect(&host), idle = host_connect(&host);
    send_text(head, "GET /healthz HTTP/1.1\r\nHo");
    send_text(body, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    expect_error(read_answer(head), 408, "request_timeout");
    expect_error(read_answer(body), 408, "request_timeout");
    assert_true(is_closed(head));
    assert_true(is_closed(body));
    assert_true(is_closed(idle));
    close(head);
    close(body);
    close(idle);
}

/* A client that never reads loses its connection, and the worker gets its memory back. */
static void gives_up_on_clients_that_do_not_read(void **state)
{
    (void)state;
    int fds[8], small = 4096;
    for (int i = 0; i < 8; i++) {
        fds[i] = host_connect(&host);
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        send_text(fds[i], "POST /function/big HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    }
    struct answer answer = invoke(&host, "big", "");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length, 16 * MIB);
    answer_fini(&answer);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void answers_pipelined_requests_in_order(void **state)
{
    (void)state;
    enum { REQUESTS = 10000 };
    char *all = malloc((size_t)REQUESTS * 160), expected[32];
    size_t length = 0;
    int fd = host_connect(&host);
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(expected, sizeof expected, "request %d", i);
        length +=
            (size_t)sprintf(all + length, "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
                            i % 1000 == 7 ? "slow" : "echo", strlen(expected), expected);
    }
    pid_t sender = fork();
    if (!sender) {
        send_bytes(fd, all, length);
        _exit(0);
    }
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(expected, sizeof expected, "request %d", i);
        expect(read_answer(fd), 200, expected);
    }
    free(all);
    close(fd);
}

/* Every way to say where a request ends in two ways, or not clearly. */
static void refuses_what_could_smuggle(void **state)
{
    (void)state;
#define POST "POST /function/echo HTTP/1.1\r\nHost: a\r\n"
    static const char *const requests[] = {
        POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        POST "Content-Length: 3, 3\r\n\r\nabc",
        POST "Content-Length: +3\r\n\r\nabc",
        POST "Content-Length: 0x3\r\n\r\nabc",
        POST "Content-Length: -1\r\n\r\nabc",
        POST "Content-Length: \r\n\r\n",
        POST "Content-Length: 99999999999999999999\r\n\r\nabc",
        POST "Content-Length : 3\r\n\r\nabc",
        POST "Transfer-Encoding: identity\r\n\r\nabc",
        POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\n",
        POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\nA: b\r\n\r\n",
        POST "Content-Length: 3\n\nabc",
        POST "A: b\n\r\n\r\n",
        POST "A: b\r\n c\r\n\r\n",
        POST "A: b\r\n\tc\r\n\r\n",
        POST "A: b\rc\r\n\r\n",
        "POST /function/echo HTTP/1.1\nHost: a\r\n\r\n",
        "POST /function/echo HTTP/1.1\r\n A: b\r\nHost: a\r\n\r\n",
        "POST /function/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /function/echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "POST /function/echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /function/echo HTTP/2.0\r\nHost: a\r\n\r\n",
        "POST /function/echo\r\n\r\n",
        "POST  /function/echo HTTP/1.1\r\nHost: a\r\n\r\n",
        "NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        int fd = host_connect(&host);
        send_text(fd, requests[i]);
        struct answer answer = read_answer(fd);
        if (answer.status != 400)
            fail_msg("%d for %s", answer.status, requests[i]);
        expect_error(answer, 400, "bad_request");
        assert_true(is_closed(fd));
        close(fd);
    }
}

/* An offer to speak another protocol is not taken up, and nothing is a tunnel. */
static void refuses_websockets(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "GET /function/echo HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
                  "upgrade: \t WebSocket \r\nSec-WebSocket-Version: 13\r\n\r\n");
    struct answer answer = read_answer(fd);
    assert_string_equal(header_of(&answer, "Upgrade"), "HTTP/1.1");
    assert_string_equal(header_of(&answer, "Connection"), "Upgrade");
    expect_error(answer, 426, "upgrade_required");
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno");
    expect(read_answer(fd), 200, "no"); /* not an option of the connection, so no offer */
    close(fd);
}

static void serves_upgrades_as_plain_requests(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    send_text(fd, "POST /function/echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
                  "Content-Length: 3\r\n\r\nabcGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(read_answer(fd), 200, "abc");
    expect(read_answer(fd), 200, "ok\n");
    send_text(fd, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_error(read_answer(fd), 405, "method_not_allowed");
    assert_true(is_closed(fd));
    close(fd);
}

/* The client goes at every byte of a request; the engine stays, and holds nothing. */
static void survives_disconnects_at_every_byte(void **state)
{
    (void)state;
    static const char request[] = "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\nA: b\r\n\r\n";
    const struct linger reset = {1, 0};
    for (size_t i = 0; i <= sizeof request - 1; i++) {
        for (int hard = 0; hard < 2; hard++) {
            int fd = host_connect(&host);
            send_bytes(fd, request, i);
            if (hard)
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close(fd);
        }
    }
    expect(invoke(&host, "echo", "still here"), 200, "still here");
    await_at_most(&host, "connections", 0);
    await_at_most(&host, "in_flight", 0);
}

/* The same request, cut in two at every byte, is the same request. */
static void takes_requests_in_any_pieces(void **state)
{
    (void)state;
    static const char request[] = "\r\nPOST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\nA: b\r\n\r\n";
    int fd = host_connect(&host), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (size_t i = 1; i < sizeof request - 1; i++) {
        send_bytes(fd, request, i);
        send_bytes(fd, request + i, sizeof request - 1 - i);
        expect(read_answer(fd), 200, "abcdefg");
    }
    for (size_t i = 0; i < sizeof request - 1; i++)
        send_bytes(fd, request + i, 1);
    expect(read_answer(fd), 200, "abcdefg");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_post_and_get),
        cmocka_unit_test(answers_errors_as_json),
        cmocka_unit_test(tells_a_path_behind_a_name_from_an_unknown_function),
        cmocka_unit_test(tells_the_methods_of_a_function),
        cmocka_unit_test(answers_where_clients_of_lambda_call),
        cmocka_unit_test(answers_health),
        cmocka_unit_test(keeps_a_safe_request_id),
        cmocka_unit_test(speaks_http_1_0),
        cmocka_unit_test(closes_when_asked),
        cmocka_unit_test(answers_a_client_that_is_done_sending),
        cmocka_unit_test(takes_chunked_bodies),
        cmocka_unit_test(takes_large_chunked_bodies),
        cmocka_unit_test(takes_bodies_up_to_the_limit),
        cmocka_unit_test(refuses_bodies_over_the_limit),
        cmocka_unit_test(answers_413_to_a_client_that_keeps_sending),
        cmocka_unit_test(continues_when_expected),
        cmocka_unit_test(refuses_heads_over_the_limit),
        cmocka_unit_test(times_out_slow_clients),
        cmocka_unit_test(gives_up_on_clients_that_do_not_read),
        cmocka_unit_test(answers_pipelined_requests_in_order),
        cmocka_unit_test(refuses_what_could_smuggle),
        cmocka_unit_test(refuses_websockets),
        cmocka_unit_test(serves_upgrades_as_plain_requests),
        cmocka_unit_test(survives_disconnects_at_every_byte),
        cmocka_unit_test(takes_requests_in_any_pieces),
    };
    return cmocka_run_group_tests_name("engine gateway", tests, set_up, tear_down);
}
