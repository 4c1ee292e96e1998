# Functions that see their requests as HTTP, and answer with a status and headers of their own.
# timeout: 120

load helper

# Modes differ in nothing that is seen here, so one of them is enough: mpk, or process where that cannot run.
elsewhere() {
    local mode=mpk
    [ -z "$("$NW_BUILD/test/mode-usable" 2>&1)" ] || mode=process
    [ "$1" = "$mode" ] || echo "seen in mode $mode"
}

setup_file() {
    [ -z "$(elsewhere "$NW_TEST_MODE")" ] || return 0
    nw_up
    nw_deploy_samples web echo notes
    export TELLER_DIR=$BATS_FILE_TMPDIR
    compile_teller
}

teardown_file() {
    nw_down
}

setup() {
    local where
    where=$(elsewhere "$NW_TEST_MODE")
    [ -z "$where" ] || skip "$where"
}

# A function that does what the lines of its input say: "status N", "header NAME VALUE", "say TEXT", "call NAME", "fail".
# In a value \r, \n and \x stand for CR, LF and a control character.
compile_teller() {
    BATS_TEST_TMPDIR=$TELLER_DIR nw_compile teller.c <<'SOURCE'
#include <faas/worker_v1_interface.h>
#include <nightward/function.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *context;
static faas_append_output_fn_t append;
static faas_invoke_func_fn_t invoke;

int faas_init(void) { return 0; }
int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    context = c;
    append = a;
    invoke = i;
    *handle = &context;
    return 0;
}
int faas_destroy_func_worker(void *handle) { return handle == NULL; }

static char *unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++)
        *to++ = *at != '\\' ? *at : *++at == 'r' ? '\r' : *at == 'n' ? '\n' : '\001';
    *to = '\0';
    return text;
}

static void call(const char *name)
{
    const char *output;
    size_t length;
    if (invoke(context, name, "", 0, &output, &length) == 0)
        append(context, output, length);
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    char *text = calloc(1, length + 1), *rest = NULL;
    int result = 0;
    (void)handle;
    memcpy(text, input, length);
    for (char *line = strtok_r(text, "|", &rest); line; line = strtok_r(NULL, "|", &rest)) {
        char name[64] = "";
        int at = 0;
        if (sscanf(line, "header %63s %n", name, &at) >= 1)
            result |= nw_answer_header(unescape(name), unescape(line + at));
        else if (!strncmp(line, "status ", 7))
            result |= nw_answer_status(atoi(line + 7));
        else if (!strncmp(line, "say ", 4))
            append(context, line + 4, strlen(line + 4));
        else if (!strncmp(line, "call ", 5))
            call(line + 5);
        else if (!strcmp(line, "fail"))
            result = 7;
    }
    free(text);
    return result;
}
SOURCE
    nw_deploy teller "$TELLER_DIR/teller.so" --slots 1
}

# web ARGUMENTS: the answer to curl, head and body.
web() {
    curl -sS --max-time 20 -i "$@" | tr -d '\r'
}

has() {
    local line
    for line in "$@"; do
        grep -qxF "$line" <<<"$output" || fail "no line \"$line\" in:" "$output"
    done
}

hasnt() {
    ! grep -qi "$1" <<<"$output" || fail "there is \"$1\" in:" "$output"
}

@test "a function sees method, path, query, client and id" {
    run -0 web -X PATCH -d body -H 'X-Request-Id: mine' "$NW_URL/function/web/a/b%20c?x=1&y=%3F"
    has 'HTTP/1.1 200 OK' 'method: PATCH' 'path: /a/b%20c' 'query: x=1&y=%3F' 'id: mine' 'caller: ' body
    has 'Content-Type: text/plain; charset=utf-8'
    grep -q '^client: 127\.0\.0\.1:[0-9]*$' <<<"$output"
    run -0 web "$NW_URL/function/web"
    has 'method: GET' 'path: ' 'query: '
    run -0 web "$NW_URL/function/web/"
    has 'path: /'
}

@test "every method reaches a function that speaks HTTP" {
    local method
    for method in GET POST PUT DELETE PATCH OPTIONS PROPFIND; do
        run -0 web -X "$method" "$NW_URL/function/web"
        has "method: $method"
    done
    run -0 web --head "$NW_URL/function/web"
    has 'HTTP/1.1 200 OK'
    hasnt '^method'
    run -0 web -X DELETE "$NW_URL/function/echo"
    has 'HTTP/1.1 405 Method Not Allowed'
}

@test "a function sees the headers as they were sent" {
    run -0 web -H 'X-A: b  c' -H 'X-A: d' -H 'x-empty;' "$NW_URL/function/web/headers"
    has 'X-A: b  c' 'X-A: d' 'x-empty: ' "Host: ${NW_URL#http://}"
}

@test "large heads and bodies arrive whole" {
    local long how
    long=$(printf 'h%.0s' {1..9000})
    run -0 web -H "X-Long: $long" "$NW_URL/function/web/headers"
    has "X-Long: $long"
    head -c 300000 /dev/zero | tr '\0' z >"$BATS_TEST_TMPDIR/body"
    for how in 'Expect:' 'Transfer-Encoding: chunked'; do
        curl -sS --max-time 20 -H "$how" --data-binary "@$BATS_TEST_TMPDIR/body" "$NW_URL/function/web/large" >"$BATS_TEST_TMPDIR/out"
        head -n 6 "$BATS_TEST_TMPDIR/out" | grep -qx 'path: /large'
        tail -n +7 "$BATS_TEST_TMPDIR/out" | cmp - "$BATS_TEST_TMPDIR/body"
    done
    run -0 web -H 'Transfer-Encoding: chunked' -d '' "$NW_URL/function/web/nothing"
    has 'path: /nothing'
}

# What of one request a function could see of another: each sees its own, many at a time on each connection.
@test "each of many requests is seen by its own invocation" {
    local i
    for ((i = 0; i < 40; i++)); do
        echo "url=$NW_URL/function/web/number/$i"
    done >"$BATS_TEST_TMPDIR/urls"
    run -0 curl -sS --max-time 20 --parallel --parallel-max 10 -K "$BATS_TEST_TMPDIR/urls"
    [ "$(grep -o '^path: /number/[0-9]*$' <<<"$output" | sort -u | wc -l)" = 40 ]
}

@test "a function sets status, headers and type" {
    run -0 web -d 'status 201|header Location /x|header Content-Type application/json|say {}' "$NW_URL/function/teller"
    has 'HTTP/1.1 201 Created' 'Location: /x' 'Content-Type: application/json' 'Content-Length: 2' '{}'
    hasnt octet-stream
    run -0 web -d 'header Set-Cookie a=b|header Set-Cookie c=d' "$NW_URL/function/teller"
    has 'HTTP/1.1 200 OK' 'Set-Cookie: a=b' 'Set-Cookie: c=d' 'Content-Type: text/plain; charset=utf-8'
    run -0 web -d 'say plain' "$NW_URL/function/teller"
    hasnt Set-Cookie
    has 'HTTP/1.1 200 OK' plain
}

@test "a function that wants fewer requests says itself when it takes more" {
    run -0 web -d 'status 429|header Retry-After 7' "$NW_URL/function/teller"
    has 'HTTP/1.1 429 Too Many Requests' 'Retry-After: 7'
    [ "$(grep -ci '^retry-after:' <<<"$output")" = 1 ]
    run -0 web -d 'status 429' "$NW_URL/function/teller"
    has 'HTTP/1.1 429 Too Many Requests'
    hasnt Retry-After
}

@test "statuses without a body have none" {
    local line
    for line in '204 No Content' '304 Not Modified'; do
        run -0 web -d "status ${line%% *}|say hidden" "$NW_URL/function/teller"
        has "HTTP/1.1 $line"
        hasnt hidden
        hasnt Content-Length
    done
}

@test "a large output keeps its head" {
    head -c 300000 /dev/zero | tr '\0' y >"$BATS_TEST_TMPDIR/said"
    { printf 'status 203|header X-A b|say '; cat "$BATS_TEST_TMPDIR/said"; } >"$BATS_TEST_TMPDIR/input"
    run -0 web --data-binary "@$BATS_TEST_TMPDIR/input" -D - -o "$BATS_TEST_TMPDIR/out" "$NW_URL/function/teller"
    has 'HTTP/1.1 203 Non-Authoritative Information' 'X-A: b' 'Content-Length: 300000'
    tail -c 300000 "$BATS_TEST_TMPDIR/out" | cmp - "$BATS_TEST_TMPDIR/said"
}

@test "a function that fails may give an answer of its own" {
    run -0 web -d 'status 422|say what is wrong|fail' "$NW_URL/function/teller"
    has 'HTTP/1.1 422 Unprocessable Content' 'what is wrong'
    run -0 web -d 'header X-A b|say what is wrong|fail' "$NW_URL/function/teller"
    has 'HTTP/1.1 500 Internal Server Error' 'X-A: b' 'what is wrong'
    nw_expect_error teller 'say nothing|fail' 500 function_failed
}

# smuggled LINES: the client gets 502 bad_answer, and nothing of what the function said.
smuggled() {
    run -0 web -d "$1|say body" "$NW_URL/function/teller"
    grep -q '^HTTP/1.1 502 ' <<<"$output" || fail "$1:" "$output"
    nw_is_error "$(tail -n 1 <<<"$output")" bad_answer
    hasnt X-Evil
}

# Not each of many failures in a second is.
two_types_are_logged() {
    local id
    smuggled 'header Content-Type a/b|header content-type a/b'
    id=$("$JSON" error.request_id <<<"$(tail -n 1 <<<"$output")")
    grep -q "function \"teller\": request $id: bad_answer: it has two Content-Types" "$NW_LOG"
}

@test "what is no HTTP is answered with 502 and a code, and logged" {
    local status
    for status in 0 1 99 100 101 199 600 1000 70000 -200; do
        smuggled "status $status"
    done
    smuggled 'header X-A b\r\nX-Evil: 1'
    smuggled 'header X-A b\nX-Evil: 1'
    smuggled 'header X-A b\x'
    smuggled 'header X-A:\rX-Evil 1'
    smuggled 'header Content-Length 0'
    smuggled 'header transfer-encoding chunked'
    smuggled 'header Connection close'
    smuggled 'header X-Request-Id mine'
    nw_poll "$NW_PATIENCE" two_types_are_logged || fail "$(cat "$NW_LOG")"
    nw_expect teller 'say as before' 'as before'
}

@test "headers have a limit, and the function is told" {
    local lines= i
    for ((i = 0; i < 50; i++)); do
        lines+="header X-$i $(printf 'v%.0s' {1..90})|"
    done
    run -0 web -d "$lines" "$NW_URL/function/teller"
    has 'HTTP/1.1 500 Internal Server Error' "X-0: $(printf 'v%.0s' {1..90})"
    hasnt X-49
}

# Its record takes 8 bytes, and each of the two texts 5 beside its own.
@test "headers may take all of their limit" {
    local value
    printf -v value 'v%.0s' {1..4077}
    run -0 web -d "header a $value" "$NW_URL/function/teller"
    has 'HTTP/1.1 200 OK' "a: $value"
    run -0 web -d "header a ${value}v" "$NW_URL/function/teller"
    has 'HTTP/1.1 500 Internal Server Error'
}

@test "a nested call sees who calls and whose request it is, and its head goes nowhere" {
    run -0 web -H 'X-Request-Id: outer' -H 'X-Secret: 1' -d 'call web|header X-Mine 1' "$NW_URL/function/teller"
    has 'X-Mine: 1' 'path: ' 'client: '
    [ "$NW_TEST_MODE" = process ] || has 'id: outer' 'caller: teller' 'method: POST' # there it goes through the engine
    hasnt Secret
    nw_deploy inner "$TELLER_DIR/teller.so"
    run -0 web -d 'call inner' "$NW_URL/function/teller"
    has 'HTTP/1.1 200 OK'
}

@test "what a func worker asks and says while it is made is of no request" {
    nw_compile early.c <<'SOURCE'
#include <faas/worker_v1_interface.h>
#include <nightward/function.h>
#include <string.h>

static void *context;
static faas_append_output_fn_t append;
static int wrong;

int faas_init(void) { return 0; }
int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    (void)i;
    context = c;
    append = a;
    *handle = &context;
    wrong |= *nw_request_method() != '\0' || nw_answer_status(418) == 0 || nw_answer_header("X-Early", "1") == 0;
    return 0;
}
int faas_destroy_func_worker(void *handle) { return handle == NULL; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    (void)handle, (void)input, (void)length;
    append(context, nw_request_path(), strlen(nw_request_path()));
    return wrong;
}
SOURCE
    nw_deploy early "$BATS_TEST_TMPDIR/early.so" --slots 1
    run -0 web "$NW_URL/function/early/first"
    has 'HTTP/1.1 200 OK' /first
    hasnt X-Early
}

@test "http: false hides the request, and http: true is kept" {
    run -0 "$NIGHTWARD" deploy hidden "$FUNCTIONS/web/web.so" --http false --state "$NW_STATE"
    run -0 web "$NW_URL/function/hidden/a"
    has 'HTTP/1.1 404 Not Found'
    run -0 web "$NW_URL/function/hidden"
    has 'method: ' 'client: '
    run -0 "$NIGHTWARD" deploy echo "$FUNCTIONS/echo/echo.so" --http true --state "$NW_STATE"
    run -0 web -X PUT -d through "$NW_URL/function/echo/any"
    has through
    [ "$(nw_admin /v1/functions/echo | "$JSON" http)" = true ]
    run -0 "$NIGHTWARD" deploy echo "$FUNCTIONS/echo/echo.so" --state "$NW_STATE"
    [[ $output == *"http is now false; it was true"* ]]
}

@test "the sample in C++ keeps notes" {
    local notes=$NW_URL/function/notes
    run -0 web -X PUT -d milk "$notes/shopping"
    has 'HTTP/1.1 201 Created'
    run -0 web -X PUT -d bread "$notes/shopping"
    has 'HTTP/1.1 204 No Content'
    run -0 web "$notes/shopping"
    has 'HTTP/1.1 200 OK' bread
    run -0 web "$notes"
    has shopping
    run -0 web -X DELETE "$notes/shopping"
    has 'HTTP/1.1 204 No Content'
    run -0 web "$notes/shopping"
    has 'HTTP/1.1 404 Not Found' 'there is no note shopping'
    run -0 web -X PATCH "$notes/shopping"
    has 'HTTP/1.1 404 Not Found'
}

@test "what is thrown in C++ is 500 and a line in the log, and nothing said before is sent" {
    nw_compile thrower.cc <<'SOURCE'
#include <nightward/function.hpp>
struct thrower : nightward::function {
    void call(const nightward::request &request, nightward::answer &answer) override
    {
        answer.status(201).header("X-Said", "before") << "before";
        if (request.body() == "std")
            throw std::runtime_error("on purpose");
        if (request.body() == "int")
            throw 7;
        if (request.body() == "teapot")
            throw nightward::error(418, "no coffee");
        if (request.body() == "bad")
            throw nightward::error(503, "not now");
        if (request.body() == "call")
            answer << invoke("echo", "echoed");
        if (request.body() == "lost")
            answer << invoke("nobody", "");
        for (int i = 0; request.body() == "many" && i < 1000; i++)
            answer.header("X-Header", "value");
        answer << request.header("x-seen").value_or("unseen");
    }
};
NIGHTWARD_FUNCTION(thrower)
SOURCE
    nw_deploy thrower "$BATS_TEST_TMPDIR/thrower.so" --slots 1
    local body
    for body in std int; do
        nw_expect_error thrower "$body" 500 function_failed
    done
    grep -q 'uncaught exception: on purpose' "$NW_LOG"
    grep -q 'uncaught exception of an unknown type' "$NW_LOG"
    run -0 web -d teapot "$NW_URL/function/thrower"
    has 'no coffee'
    hasnt before
    grep -q '^HTTP/1.1 418' <<<"$output"
    run -0 web -d bad "$NW_URL/function/thrower"
    has 'HTTP/1.1 503 Service Unavailable' 'not now'
    run -0 web -d lost "$NW_URL/function/thrower"
    has 'HTTP/1.1 502 Bad Gateway' 'the call of nobody failed'
    run -0 web -d many "$NW_URL/function/thrower"
    has 'HTTP/1.1 500 Internal Server Error'
    run -0 web -d call -H 'X-Seen: seen' "$NW_URL/function/thrower"
    has 'HTTP/1.1 201 Created' 'X-Said: before' beforeechoedseen
}

@test "pages of the origins that a function is deployed with may call it" {
    local page=https://shop.example
    nw_deploy page "$FUNCTIONS/echo/echo.so" --cors "$page, http://localhost:3000"
    run -0 web -H "Origin: $page" -d x "$NW_URL/function/page"
    has 'HTTP/1.1 200 OK' "Access-Control-Allow-Origin: $page" 'Vary: Origin' x
    run -0 web -X OPTIONS -H "Origin: $page" -H 'Access-Control-Request-Method: POST' \
        -H 'Access-Control-Request-Headers: content-type, x-a' "$NW_URL/function/page"
    has 'HTTP/1.1 204 No Content' "Access-Control-Allow-Origin: $page" 'Access-Control-Allow-Headers: content-type, x-a' \
        'Access-Control-Allow-Methods: GET, HEAD, OPTIONS, POST' 'Access-Control-Max-Age: 600'
    run -0 web -H "Origin: $page" "$NW_URL/function/page/below"
    has 'HTTP/1.1 404 Not Found' "Access-Control-Allow-Origin: $page"
    local other
    for other in https://evil.example https://shop.example.evil.example https://shop.exampl null "$page,"; do
        run -0 web -H "Origin: $other" -d x "$NW_URL/function/page"
        has 'HTTP/1.1 200 OK' 'Vary: Origin'
        hasnt Access-Control
    done
    run -0 web -X OPTIONS -H "Origin: https://evil.example" -H 'Access-Control-Request-Method: POST' "$NW_URL/function/page"
    hasnt Access-Control
    run -0 web -d x "$NW_URL/function/page"
    hasnt Access-Control
    run -0 web -H "Origin: $page" -d x "$NW_URL/function/echo"
    hasnt Access-Control
}

@test "a function that speaks HTTP has the preflight of its own pages answered, and sees other OPTIONS" {
    nw_deploy open "$FUNCTIONS/web/web.so" --cors '*'
    run -0 web -X OPTIONS -H 'Origin: null' -H 'Access-Control-Request-Method: PROPFIND' "$NW_URL/function/open/a"
    has 'HTTP/1.1 204 No Content' 'Access-Control-Allow-Origin: *' 'Access-Control-Allow-Methods: PROPFIND'
    hasnt Vary
    run -0 web -X OPTIONS "$NW_URL/function/open/a"
    has 'method: OPTIONS'
    run -0 web -H 'Origin: https://a.example' "$NW_URL/function/open/status/418"
    has 'Access-Control-Allow-Origin: *' 'Access-Control-Expose-Headers: *'
    run -2 "$NIGHTWARD" deploy open "$FUNCTIONS/web/web.so" --cors example.com --state "$NW_STATE"
    [[ $output == *'cors: "example.com" does not do'* ]]
}
