# The sample functions through HTTP: what they answer, eight clients at a time, every payload size, nested calls.
# timeout: 300

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up --snapshot off # elsewhere they are on
    nw_deploy_samples hello echo foo bar chain cpp noop callbench
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

# eight NAME INPUT EXPECT: eight connections at once; %s is each request's own token.
eight() {
    run -0 "$LOAD" --clients 8 --requests "${4:-100}" --input "$2" --expect "$3" "$(nw_address)" "/function/$1"
}

@test "hello greets eight clients at once" {
    eight hello '%s' $'Hello, %s!\n'
}

@test "echo answers eight clients at once" {
    eight echo '%s' '%s'
}

@test "foo calls bar for eight clients at once" {
    eight foo '%s' $'foo called bar: bar heard %s\n'
}

@test "chain calls itself for eight clients at once" {
    eight chain '8' $'8 > 7 > 6 > 5 > 4 > 3 > 2 > 1 > 0\n'
}

@test "recursion of more callers than a function has slots ends" {
    nw_deploy narrow "$FUNCTIONS/chain/chain.so" --slots 4
    run -0 "$LOAD" --clients 16 --requests 20 --input '8 narrow' \
        --expect $'8 > 7 > 6 > 5 > 4 > 3 > 2 > 1 > 0\n' "$(nw_address)" /function/narrow
}

@test "chain ends in another function for eight clients at once" {
    eight chain '2 hello' $'2 > Hello, 1 hello!\n'
}

@test "cpp counts words for eight clients at once" {
    eight cpp 'b a %s b' $'%s=1 a=1 b=2 (counted by the helper thread: 4, by this thread: 0)\n' 30
}

@test "cpp catches its own exceptions" {
    nw_expect cpp ' ' 'caught: no words in the input'
}

@test "digest hashes for eight clients at once" {
    nw_deploy_samples digest
    eight digest 'abc' $'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n'
}

@test "callbench measures a nested call" {
    nw_call callbench '1000 64'
    [ "$code" = 200 ]
    [[ $body == *"p50="*" p99="*" p999="*" n=1000" ]]
}

@test "payloads of every size come back unchanged" {
    local size
    for size in 0 1 1023 1024 65535 65536 65537 1048576 16777216; do
        head -c "$size" /dev/urandom >"$BATS_TEST_TMPDIR/in"
        run -0 curl -sS --max-time 20 -o "$BATS_TEST_TMPDIR/out" -w '%{http_code}' -H 'Expect:' \
            --data-binary "@$BATS_TEST_TMPDIR/in" "$NW_URL/function/echo"
        [ "$output" = 200 ] || fail "$size bytes: status $output"
        cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out" || fail "$size bytes came back changed"
    done
}

@test "a body over the limit is refused and the next request served" {
    head -c 16777217 /dev/zero >"$BATS_TEST_TMPDIR/in"
    run curl -sS --max-time 20 -o "$BATS_TEST_TMPDIR/out" -w '%{http_code}' -H 'Expect:' \
        --data-binary "@$BATS_TEST_TMPDIR/in" "$NW_URL/function/echo"
    [[ $output == *413 ]]
    nw_is_error "$(cat "$BATS_TEST_TMPDIR/out")" body_too_large
    nw_expect echo still 'still'
}

@test "large bodies from several clients do not mix" {
    run -0 "$LOAD" --clients 4 --requests 5 --size 4000000 "$(nw_address)" /function/echo
    [[ $output == *ok=20* ]]
}

@test "more bodies at once than the arena holds wait and are all answered" {
    run -0 "$LOAD" --clients 12 --requests 2 --size 12000000 --seconds 50 "$(nw_address)" /function/echo
    [[ $output == *ok=24* ]]
}

@test "large bodies do not use up a function's memory" {
    local size
    nw_deploy modest "$FUNCTIONS/echo/echo.so" --slots 2 --memory 72M
    for size in 4000000 12000000 16700000 4000000 12000000 16700000; do
        run -0 "$LOAD" --clients 2 --requests 2 --size "$size" "$(nw_address)" /function/modest
    done
}

@test "a chain of depth 8 shows every level" {
    nw_expect chain 8 '8 > 7 > 6 > 5 > 4 > 3 > 2 > 1 > 0'
}

@test "a recursion without end meets a limit with a clear error and the function goes on" {
    nw_call chain 1000
    [[ $code == 500 || $code == 508 ]] || fail "status $code: $body"
    [[ $("$JSON" error.code <<<"$body") == @(function_failed|call_depth) ]]
    nw_expect chain 2 '2 > 1 > 0'
}

@test "a nested call of a function that does not exist fails in the caller" {
    nw_expect_error chain '1 no-such-function' 500 function_failed
}

@test "nested payloads of every size come back unchanged" {
    local size
    nw_compile relay.c <<'C'
#include <faas/worker_v1_interface.h>
#include <stdlib.h>
struct relay { void *context; faas_invoke_func_fn_t invoke; faas_append_output_fn_t append; };
int faas_init(void) { return 0; }
int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct relay *relay = malloc(sizeof *relay);
    *relay = (struct relay){context, invoke, append};
    *handle = relay;
    return 0;
}
int faas_destroy_func_worker(void *handle) { free(handle); return 0; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    struct relay *relay = handle;
    const char *first, *second;
    size_t first_length, second_length;
    if (relay->invoke(relay->context, "echo", input, length, &first, &first_length))
        return 1;
    if (relay->invoke(relay->context, "echo", "another call", 12, &second, &second_length) || second_length != 12)
        return 2;
    relay->append(relay->context, first, first_length); /* must still be what the first call said */
    return 0;
}
C
    nw_deploy relay "$BATS_TEST_TMPDIR/relay.so" --timeout 20s
    for size in 0 1 1023 65536 1048576 16777216; do
        head -c "$size" /dev/urandom >"$BATS_TEST_TMPDIR/in"
        run -0 curl -sS --max-time 20 -o "$BATS_TEST_TMPDIR/out" -w '%{http_code}' -H 'Expect:' \
            --data-binary "@$BATS_TEST_TMPDIR/in" "$NW_URL/function/relay"
        [ "$output" = 200 ] || fail "$size bytes: status $output: $(head -c 300 "$BATS_TEST_TMPDIR/out")"
        cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out" || fail "$size bytes came back changed"
    done
}

@test "more functions than the processor has keys are all served" {
    local i round
    for ((i = 0; i < 20; i++)); do
        nw_deploy "many-$i" "$FUNCTIONS/hello/hello.so"
    done
    for round in 1 2; do
        for ((i = 0; i < 20; i++)); do
            nw_expect "many-$i" "$round.$i" "Hello, $round.$i!"
        done
    done
    nw_expect chain '1 many-3' '1 > Hello, 0 many-3!'
}

@test "functions that call one another in turn do not wait for their own slots" {
    nw_compile turns.c <<'C'
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>
struct turns { void *context; faas_invoke_func_fn_t invoke; faas_append_output_fn_t append; };
int faas_init(void) { return 0; }
int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct turns *turns = malloc(sizeof *turns);
    *turns = (struct turns){context, invoke, append};
    *handle = turns;
    return 0;
}
int faas_destroy_func_worker(void *handle) { free(handle); return 0; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    struct turns *turns = handle;
    char text[64], next[64], other[32], mine[32];
    const char *output = "end";
    size_t output_length = 3;
    int depth, n;
    snprintf(text, sizeof text, "%.*s", (int)length, input);
    if (sscanf(text, "%d %31s %31s", &depth, other, mine) != 3)
        return 1;
    n = snprintf(next, sizeof next, "%d %.20s %.20s", depth - 1, mine, other);
    if (depth && turns->invoke(turns->context, other, next, (size_t)n, &output, &output_length))
        return 2;
    turns->append(turns->context, output, output_length);
    return 0;
}
C
    local client clients=()
    nw_deploy ping "$BATS_TEST_TMPDIR/turns.so" --slots 2
    nw_deploy pong "$BATS_TEST_TMPDIR/turns.so" --slots 1
    for ((client = 0; client < 8; client++)); do
        (for ((i = 0; i < 10; i++)); do nw_expect ping '8 pong ping' end; done) &
        clients+=($!)
    done
    for client in "${clients[@]}"; do
        wait "$client"
    done
}
