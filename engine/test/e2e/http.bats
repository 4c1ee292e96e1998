# The gateway as an HTTP server: framings, versions, keep-alive, errors.
# timeout: 300
# io: each
# threads: each
# sanitized: yes

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
    nw_deploy_samples hello echo fault
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

# raw: sends standard input as it is and prints what comes back until the server closes.
raw() {
    local address
    address=$(nw_address)
    exec 5<>"/dev/tcp/${address%:*}/${address##*:}"
    cat >&5
    timeout 10 cat <&5
    exec 5>&-
}

@test "a chunked body arrives whole" {
    run -0 "$LOAD" --chunked --size 300000 --requests 10 "$(nw_address)" /function/echo
    run -0 curl -sS --max-time 10 -H 'Transfer-Encoding: chunked' -d 'in chunks' "$NW_URL/function/echo"
    [ "$output" = 'in chunks' ]
}

@test "chunks of one byte arrive whole" {
    raw > "$BATS_TEST_TMPDIR/out" < <(
        printf 'POST /function/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
        printf '1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n'
    )
    grep -q '^HTTP/1.1 200 ' "$BATS_TEST_TMPDIR/out"
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = abc ]
}

@test "Expect: 100-continue is answered before the body" {
    run -0 curl -sSv --max-time 10 --expect100-timeout 9 -H 'Expect: 100-continue' -d waited "$NW_URL/function/echo"
    [[ $output == *"HTTP/1.1 100 Continue"* ]]
    [[ $output == *waited ]]
}

@test "an HTTP/1.0 request gets its answer and the connection closes" {
    raw >"$BATS_TEST_TMPDIR/out" < <(printf 'POST /function/echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nold')
    grep -q '^HTTP/1.[01] 200 ' "$BATS_TEST_TMPDIR/out"
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = old ]
}

@test "pipelined requests are answered in their order" {
    run -0 "$LOAD" --pipeline 16 --clients 4 --requests 320 "$(nw_address)" /function/echo
    [[ $output == *ok=1280* ]]
}

@test "one connection serves many requests" {
    run -0 curl -sS --max-time 10 -d a "$NW_URL/function/echo" "$NW_URL/function/echo" "$NW_URL/function/echo" \
        -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} '
    [ "$output" = '1 0 0 ' ]
}

@test "GET invokes with no input" {
    run -0 curl -sS --max-time 10 "$NW_URL/function/hello"
    [ "$output" = 'Hello, world!' ]
}

@test "IPv6 serves too" {
    grep -qs '^00000000000000000000000000000001 ' /proc/net/if_inet6 ||
        skip "this machine has no ::1"
    unset NW_STATE NW_PID
    nw_up --listen '[::1]:0'
    nw_deploy_samples echo
    run -0 "$LOAD" --requests 10 "$(nw_status listen.1)" /function/echo
    nw_down
}

@test "health and readiness are answered" {
    local path
    for path in healthz readyz; do
        run -0 curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$NW_URL/$path"
        [ "$output" = 200 ]
    done
}

@test "an unknown function is 404 and named" {
    nw_expect_error no-such-function x 404 function_not_found
}

@test "an unknown path is 404" {
    run -0 curl -sS --max-time 10 -w '\n%{http_code}' "$NW_URL/nowhere"
    [ "${lines[-1]}" = 404 ]
    nw_is_error "${lines[0]}" no_route
}

@test "a method that a path does not take is 405" {
    run -0 curl -sS --max-time 10 -X DELETE -w '\n%{http_code}' "$NW_URL/function/hello"
    [ "${lines[-1]}" = 405 ]
    nw_is_error "${lines[0]}" method_not_allowed
}

@test "a function that returns non-zero is 500" {
    nw_expect_error fault return 500 function_failed
}

# The description tells a moment later when another thread has answered.
described() {
    "$NIGHTWARD" describe fault --state "$NW_STATE" | grep "^last_error .*code $1, request_id $2, reason $3"
}

@test "only the owner learns why a function crashed, by the id of the request" {
    local id
    nw_expect_error fault segv 502 function_crashed
    [[ $body != *0x* && $body != *SIG* ]] || fail "$body"
    id=$("$JSON" error.request_id <<<"$body")
    nw_poll "$NW_PATIENCE" described function_crashed "$id" 'SIGSEGV at address 0x[0-9a-f]*' ||
        fail "$("$NIGHTWARD" describe fault --state "$NW_STATE")"
    grep -q "function \"fault\": request $id: function_crashed: SIGSEGV at address" "$NW_LOG" || fail "$(cat "$NW_LOG")"
}

@test "every response has a request id of its own, the one of its error body" {
    local first second
    curl -sS --max-time 10 -D "$BATS_TEST_TMPDIR/headers" -o "$BATS_TEST_TMPDIR/body" "$NW_URL/function/nobody"
    first=$(sed -n 's/^X-Request-Id: *\([^\r]*\)\r*$/\1/Ip' "$BATS_TEST_TMPDIR/headers")
    [ -n "$first" ]
    [ "$("$JSON" error.request_id <"$BATS_TEST_TMPDIR/body")" = "$first" ]
    curl -sS --max-time 10 -D "$BATS_TEST_TMPDIR/headers" -o /dev/null -d x "$NW_URL/function/echo"
    second=$(sed -n 's/^X-Request-Id: *\([^\r]*\)\r*$/\1/Ip' "$BATS_TEST_TMPDIR/headers")
    [ -n "$second" ]
    [ "$first" != "$second" ]
}

# refused BYTES: the request is answered 400 and the connection closed.
refused() {
    raw >"$BATS_TEST_TMPDIR/out" < <(printf "$1")
    head -n 1 "$BATS_TEST_TMPDIR/out" | grep -q '^HTTP/1.1 400 ' || fail "$1: $(cat "$BATS_TEST_TMPDIR/out")"
}

@test "requests with two meanings are refused" {
    refused 'POST /function/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'
    refused 'POST /function/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    refused 'POST /function/echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'
    refused 'POST /function/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
    refused 'not HTTP at all\r\n\r\n'
    nw_expect echo 'still here' 'still here'
}

@test "headers over the limit are 431" {
    raw >"$BATS_TEST_TMPDIR/out" < <(
        printf 'GET /function/hello HTTP/1.1\r\nHost: x\r\nX-Long: '
        head -c 200000 /dev/zero | tr '\0' x
        printf '\r\n\r\n'
    ) || true
    head -n 1 "$BATS_TEST_TMPDIR/out" | grep -q '^HTTP/1.1 431 '
}

@test "a client that leaves in the middle of a request harms nobody" {
    local i address
    address=$(nw_address)
    for ((i = 0; i < 50; i++)); do
        exec 5<>"/dev/tcp/${address%:*}/${address##*:}"
        printf 'POST /function/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this' >&5
        exec 5>&-
    done
    run -0 "$LOAD" --clients 4 --requests 50 "$(nw_address)" /function/echo
}

# refused_in_time: a request is refused, and told when to come again.
refused_in_time() {
    curl -sS -i --max-time 10 -d 'sleep 1' "$NW_URL/function/crowded" >"$BATS_TEST_TMPDIR/refused"
    grep -q '^HTTP/1.1 429 Too Many Requests' "$BATS_TEST_TMPDIR/refused"
}

@test "more requests than may wait are refused at once, and nobody else is" {
    local crowd refused
    nw_deploy crowded "$FUNCTIONS/fault/fault.so" --slots 1 --queue 1 --timeout 8s
    "$LOAD" --tolerate --clients 16 --requests 0 --seconds 600 --input 'sleep 1' "$(nw_address)" /function/crowded \
        >"$BATS_TEST_TMPDIR/crowd" 2>&1 3>&- &
    crowd=$!
    nw_poll "$NW_PATIENCE" refused_in_time
    grep -Eqi '^Retry-After: [1-9][0-9]*' "$BATS_TEST_TMPDIR/refused"
    grep -q '"code":"overloaded"' "$BATS_TEST_TMPDIR/refused"
    nw_expect hello '' 'Hello, world!'
    run -0 curl -sS --fail --max-time 10 "$NW_URL/healthz"
    run -0 curl -sS --fail --max-time 10 "$NW_URL/readyz"
    kill "$crowd"
    wait "$crowd" || true
    refused=$(nw_status counters.refused)
    ((refused > 0))
    nw_poll "$NW_PATIENCE" nw_answers crowded ok
    run -0 "$NIGHTWARD" remove crowded --state "$NW_STATE"
}

@test "a client waits no longer than it said, and the function learns how long" {
    nw_compile left.c <<'END'
#include <faas/worker_v1_interface.h>
#include <nightward/function.h>
#include <stdio.h>
static faas_append_output_fn_t append;
static void *context;
int faas_init(void) { return 0; }
int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    (void)i;
    context = c, append = a, *handle = &context;
    return 0;
}
int faas_destroy_func_worker(void *handle) { (void)handle; return 0; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    char text[32];
    (void)handle, (void)input, (void)length;
    append(context, text, (size_t)snprintf(text, sizeof text, "%ld", nw_time_left ? nw_time_left() : -2));
    return 0;
}
END
    nw_deploy left "$BATS_TEST_TMPDIR/left.so" --slots 1 --timeout 30s
    run -0 curl -sS --max-time 20 "$NW_URL/function/left"
    ((output > 5000 && output <= 30000))
    run -0 curl -sS --max-time 20 -H 'X-Timeout: 5s' "$NW_URL/function/left"
    ((output > 0 && output <= 5000))
    run -0 curl -sS --max-time 20 -H 'X-Timeout: 60m' "$NW_URL/function/left"
    ((output > 5000 && output <= 30000))
    nw_deploy sleeper "$FUNCTIONS/fault/fault.so" --slots 1 --timeout 15s
    nw_answers sleeper ok
    run -0 curl -sS --max-time 20 -H 'X-Timeout: 100ms' -d 'sleep 2' "$NW_URL/function/sleeper"
    [[ $output == *'"deadline_exceeded"'*'X-Timeout of 100 ms passed after '*' ms, in a worker'* ]]
    nw_poll "$NW_PATIENCE" nw_answers sleeper ok # when it has come to its end: its domain is the same
    run -0 curl -sS --max-time 20 -H 'X-Timeout: 100' -d 'sleep 2' "$NW_URL/function/sleeper"
    [[ $output == *'"bad_request"'*'X-Timeout'* ]]
    ! grep -q 'sleeper.*crashed\|sleeper.*torn down' "$NW_LOG" || fail "$(grep sleeper "$NW_LOG")"
    run -0 "$NIGHTWARD" remove left --state "$NW_STATE"
    run -0 "$NIGHTWARD" remove sleeper --state "$NW_STATE"
}
