# Whom a function may call: by names that are given, and by those that a compiler found in it.
#
# timeout: 120

setup() {
    load helper
    nw_require_mode
    nw_up
    nw_deploy_samples bar
}

teardown() {
    nw_down
}

# scanned NAME: NAME.so with its call sites in it, of foo or of the source on standard input.
scanned() {
    local plugin=$NW_BUILD/bin/nightward-callsites.so source=$BATS_TEST_TMPDIR/$1.c
    [ -e "$plugin" ] && command -v clang-14 >/dev/null || skip "clang-14 or nightward-callsites.so is not there"
    [ "$1" = foo ] && cp "$NW_ROOT/functions/foo/foo.c" "$source" || cat >"$source"
    clang-14 -O1 -g -fpass-plugin="$plugin" -I"$NW_ROOT/include" -shared -fPIC -o "$BATS_TEST_TMPDIR/$1.so" "$source"
}

# refused_says TEXT NAME FILE FLAGS...: that deployment fails, and says why.
refused_says() {
    local text=$1
    shift
    run "$NIGHTWARD" deploy --state "$NW_STATE" "$@"
    [ "$status" -ne 0 ] && [[ $output == *"$text"* ]] || fail "status $status: $output"
}

refused_calls() {
    nw_admin "/v1/functions/$1" | "$JSON" calls_refused
}

has_refused() {
    [ "$(refused_calls "$1")" = "$2" ]
}

@test "a function calls those that it may, and no others, wherever they are" {
    local foo=$FUNCTIONS/foo/foo.so
    nw_deploy foo "$foo"
    nw_expect foo x 'foo called bar: bar heard x'
    nw_deploy foo "$foo" --calls none
    nw_expect_error foo x 500 function_failed
    nw_poll "$NW_PATIENCE" has_refused foo 1 || fail "$(refused_calls foo) calls refused"
    grep -q 'function foo: call of bar refused' "$NW_LOG"
    "$NIGHTWARD" describe foo --state "$NW_STATE" | grep -q '^calls  *none$'
    nw_deploy foo "$foo" --calls other,bar
    nw_expect foo x 'foo called bar: bar heard x'
    nw_deploy bar "$FUNCTIONS/bar/bar.so" --tenant other --callers '*' # elsewhere now
    nw_expect foo x 'foo called bar: bar heard x'
    nw_deploy foo "$foo" --calls other
    nw_expect_error foo x 500 function_failed
    nw_down
    nw_up
    nw_expect_error foo x 500 function_failed
    nw_deploy foo "$foo" --reset calls
    nw_expect foo x 'foo called bar: bar heard x'
    refused_says 'calls: "a,,b" does not do' foo "$foo" --calls a,,b
}

@test "who may call a function may call each of its versions" {
    nw_deploy bar "$FUNCTIONS/echo/echo.so"
    nw_deploy foo "$FUNCTIONS/foo/foo.so" --calls bar
    "$NIGHTWARD" traffic bar v1=50% --state "$NW_STATE"
    for ((i = 0; i < 8; i++)); do nw_answers foo x || fail "status $code: $body"; done
    [ "$(nw_admin /v1/functions/foo | "$JSON" 'callees.#')" = 1 ]
    [ "$(callee function)" = bar ]
}

@test "who may call a function may call it by its aliases, within a worker and elsewhere" {
    local chain=$FUNCTIONS/chain/chain.so
    nw_deploy echo "$FUNCTIONS/echo/echo.so"
    nw_deploy echo "$FUNCTIONS/bar/bar.so"
    "$NIGHTWARD" alias echo@old v1 --state "$NW_STATE"
    nw_deploy chain "$chain" --calls echo
    nw_expect chain '1 echo@old' '1 > 0 echo@old'
    nw_expect chain '1 echo@v1' '1 > 0 echo@v1'
    [ "$(nw_admin /v1/functions/chain | "$JSON" 'callees.#')" = 1 ]
    nw_deploy chain "$chain" --calls old,echo2
    nw_expect_error chain '1 echo@old' 500 function_failed
    nw_poll "$NW_PATIENCE" has_refused chain 1 || fail "$(refused_calls chain) calls refused"
    nw_deploy chain "$chain" --reset calls
    nw_expect chain '1 echo@old' '1 > 0 echo@old'
    nw_expect_error chain '1 echo@gone' 500 function_failed
}

@test "scan takes the names from the file, and asks for those that are not known" {
    refused_says 'the file has no section .nightward.calls' foo "$FUNCTIONS/foo/foo.so" --calls scan
    scanned foo
    nw_deploy foo "$BATS_TEST_TMPDIR/foo.so" --calls scan
    nw_expect foo x 'foo called bar: bar heard x'
    [ "$(nw_admin /v1/functions/foo | "$JSON" found)" = bar ]
    scanned any <<'END_C'
#include <faas/worker_v1_interface.h>
#include <stdlib.h>
static faas_invoke_func_fn_t invoke;
int faas_init(void) { return 0; }
int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    invoke = i;
    *handle = c;
    return a == 0;
}
int faas_destroy_func_worker(void *handle) { return handle == 0; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    const char *out;
    size_t n;
    return invoke(handle, getenv("CALLEE"), input, length, &out, &n);
}
END_C
    refused_says 'not all that it calls is known:' any "$BATS_TEST_TMPDIR/any.so" --calls scan --env CALLEE=bar
    [[ $output == *"any.c:16. Name what it may call there, too"* ]] || fail "$output"
    nw_deploy any "$BATS_TEST_TMPDIR/any.so" --calls scan,bar --env CALLEE=bar
    nw_answers any x || fail "status $code: $body"
    nw_deploy any "$BATS_TEST_TMPDIR/any.so" --env CALLEE=foo
    nw_expect_error any x 500 function_failed
}

@test "a damaged section matters to nobody but scan" {
    local at
    scanned foo
    at=$(LC_ALL=C grep -obUa NWCALLS "$BATS_TEST_TMPDIR/foo.so" | head -n 1 | cut -d: -f1)
    printf '\x7f' | dd of="$BATS_TEST_TMPDIR/foo.so" bs=1 seek=$((at + 8)) conv=notrunc status=none
    refused_says 'its section .nightward.calls is damaged: a record has another version than 1' \
        foo "$BATS_TEST_TMPDIR/foo.so" --calls scan
    nw_deploy foo "$BATS_TEST_TMPDIR/foo.so"
    nw_expect foo x 'foo called bar: bar heard x'
    "$NIGHTWARD" describe foo --state "$NW_STATE" | grep -q 'section .nightward.calls is damaged'
}

# callee PATH: of whom foo calls.
callee() {
    nw_admin /v1/functions/foo | "$JSON" "callees.0.$1"
}

calls_are() {
    [ "$(callee calls)" = "$1" ]
}

# While the requests of bar are dealt out its calls go by way of the engine, which sees them.
@test "each call is counted once, whichever way it goes" {
    nw_deploy bar "$FUNCTIONS/echo/echo.so"
    nw_deploy foo "$FUNCTIONS/foo/foo.so"
    nw_answers foo x || fail "status $code: $body"
    "$NIGHTWARD" traffic bar v1=50% --state "$NW_STATE"
    for ((i = 0; i < 8; i++)); do nw_answers foo x || fail "status $code: $body"; done
    "$NIGHTWARD" traffic bar --state "$NW_STATE"
    nw_answers foo x || fail "status $code: $body"
    nw_poll "$NW_PATIENCE" calls_are 10 || fail "$(callee calls) calls"
}

@test "describe shows what was found beside what was seen" {
    scanned foo
    nw_deploy foo "$BATS_TEST_TMPDIR/foo.so"
    [ "$(callee function)" = bar ]
    [ "$(callee note)" = 'found in its file, never seen' ]
    for _ in 1 2 3; do nw_answers foo x || fail "status $code: $body"; done
    nw_poll "$NW_PATIENCE" calls_are 3 || fail "$(callee calls) calls"
    "$NIGHTWARD" describe foo --state "$NW_STATE" | grep -q '^callees  *function bar, found yes, calls 3$'
    nw_deploy foo "$FUNCTIONS/foo/foo.so" # which says nothing of whom it calls
    nw_answers foo x || fail "status $code: $body"
    nw_poll "$NW_PATIENCE" calls_are 1 || fail "$(callee calls) calls"
    [ "$(callee found)" = false ]
}

workers_of() {
    nw_admin "/v1/functions/$1" | "$JSON" workers
}

# Two workers have a free key. The fuller one would be chosen, but the other has bar.
@test "a function begins where those are that it calls" {
    local n=0
    [ "$(nw_status mode)" = mpk ] || skip "only where keys are scarce is it chosen where a function goes"
    "$NIGHTWARD" remove bar --state "$NW_STATE"
    scanned foo
    while [ "$(nw_status 'workers.#')" = 1 ]; do
        nw_deploy "hello$n" "$FUNCTIONS/hello/hello.so"
        n=$((n + 1))
        [ "$n" -lt 40 ] || fail "no worker is added"
    done
    nw_deploy_samples bar
    [ "$(workers_of bar)" != "$(workers_of hello0)" ]
    "$NIGHTWARD" remove hello0 --state "$NW_STATE"
    nw_deploy foo "$BATS_TEST_TMPDIR/foo.so"
    [ "$(workers_of foo)" = "$(workers_of bar)" ] || fail "foo is in $(workers_of foo), bar in $(workers_of bar)"
    nw_expect foo x 'foo called bar: bar heard x'
    [ "$(nw_status counters.nested_calls)" = 0 ]
    "$NIGHTWARD" remove bar --state "$NW_STATE"
    nw_deploy_samples bar
    [ "$(workers_of foo)" = "$(workers_of bar)" ] || fail "foo is in $(workers_of foo), bar in $(workers_of bar)"
}
