# What runs on nightcore is taken over by its func_config.json: deployed at a start, left alone when it is unchanged.
# timeout: 300
# waits: yes

load helper

setup() {
    nw_require_mode
    cd "$BATS_TEST_TMPDIR"
    mkdir old
    unset NW_STATE
}

teardown() {
    nw_down
}

# A function that says how often it was called, its environment and what it reads from where it begins.
compile_teller() {
    nw_compile teller.c "$@" <<'C'
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static faas_append_output_fn_t append;
int faas_init(void) { return 0; }
int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append_fn, void **handle)
{
    (void)invoke;
    append = append_fn;
    *handle = context;
    return 0;
}
int faas_destroy_func_worker(void *handle) { (void)handle; return 0; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    static int calls;
    char cwd[256] = "", word[64] = "", text[1024];
    FILE *file = fopen("relative.txt", "r");
    (void)input, (void)length;
    if (file && !fgets(word, sizeof word, file))
        word[0] = '?';
    int n = snprintf(text, sizeof text, "%d %s %s %s %s %s", __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED),
                     getenv("FAAS_FUNC_ID"), getenv("GREETING") ? getenv("GREETING") : "-",
                     getenv("NIGHTWARD_QUEUE") ? getenv("NIGHTWARD_QUEUE") : "-", getcwd(cwd, sizeof cwd), word);
    append(handle, text, (size_t)n);
    return 0;
}
C
}

# From here on the command has the same environment each time.
plain() {
    printf '#!/bin/sh\nexec env -i PATH="$PATH" HOME="$HOME" %q "$@"\n' "$NIGHTWARD" >plain
    chmod +x plain
    NIGHTWARD=$BATS_TEST_TMPDIR/plain
}

deployed() {
    nw_poll "$NW_PATIENCE" grep -q "func_config.json: $1\$" "$NW_LOG" || fail "not \"$1\":" "$(cat "$NW_LOG")"
}

@test "functions are deployed from where nightcore has them" {
    cp "$FUNCTIONS/hello/hello.so" old/libhello.so
    cp "$FUNCTIONS/foo/foo.so" old/foo.so
    cp "$FUNCTIONS/bar/bar.so" old/BAR.so
    cat >old/func_config.json <<'JSON'
[
    { "funcName": "Hello", "funcId": 1, "minWorkers": 2, "maxWorkers": 3, "allowHttpGet": true },
    { "funcName": "foo", "funcId": 2, "colour": "red" },
    { "funcName": "bar", "funcId": 7, "nightward": { "timeout": "3s" } }
]
JSON
    nw_up --func-config old/func_config.json
    deployed '3 deployed, 0 unchanged, 0 refused'
    grep -q 'old/func_config.json: line 3: colour: this key is not known' "$NW_LOG"
    nw_expect Hello Ada 'Hello, Ada!'
    nw_call foo Ada
    [ "$code" = 200 ] && [[ $body == 'foo called bar: '* ]] || fail "$code $body"
    [ "$(nw_admin /v1/functions/Hello | "$JSON" slots)" = 3 ]
    [ "$(nw_admin /v1/functions/Hello | "$JSON" warm)" = 1 ]
    [ "$(nw_admin /v1/functions/foo | "$JSON" slots)" = 8 ]
    [ "$(nw_admin /v1/functions/bar | "$JSON" timeout)" = 3s ]
}

@test "functions have the environment and the working directory that a launcher gives" {
    compile_teller
    mkdir libraries run
    cp teller.so libraries/libteller.so
    echo '[{"funcName": "Teller", "funcId": 42, "maxWorkers": 1}]' >old/func_config.json
    printf 'found' >run/relative.txt
    chmod -R a+rX . run
    # Who runs as root has workers that are other users, and cannot come here.
    [ "$(id -u)" != 0 ] || chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/*
    GREETING=Hi NIGHTWARD_QUEUE=500 nw_up --func-config old/func_config.json --func-dir libraries --func-working-dir run
    deployed '1 deployed, 0 unchanged, 0 refused'
    nw_expect Teller '' "1 42 Hi - $(realpath run) found"
}

@test "what is unchanged is left alone, what has changed is deployed anew" {
    compile_teller
    plain
    cp teller.so old/
    cp "$FUNCTIONS/hello/hello.so" old/
    echo '[{"funcName": "teller", "funcId": 1, "maxWorkers": 1}, {"funcName": "hello", "funcId": 2}]' >old/func_config.json
    nw_up --func-config old/func_config.json
    deployed '2 deployed, 0 unchanged, 0 refused'
    nw_down
    : >"$NW_LOG"
    nw_up --func-config old/func_config.json
    deployed '0 deployed, 2 unchanged, 0 refused'
    ! grep 'version .* serves' "$NW_LOG" || fail "it was deployed anew"
    nw_expect teller '' '1 1 - - / '
    run -0 "$NIGHTWARD" deploy --state "$NW_STATE" --func-config old/func_config.json
    [[ $output == *'0 deployed, 2 unchanged, 0 refused'* ]] || fail "$output"
    nw_expect teller '' '2 1 - - / '
    run -0 "$NIGHTWARD" deploy --state "$NW_STATE" --func-config old/func_config.json --env GREETING=Hi
    [[ $output == *'2 deployed, 0 unchanged, 0 refused'* ]] || fail "$output"
    nw_expect teller '' '1 1 Hi - / '
    cp "$FUNCTIONS/echo/echo.so" old/hello.so
    run -0 "$NIGHTWARD" deploy --state "$NW_STATE" --func-config old/func_config.json --env GREETING=Hi
    [[ $output == *'1 deployed, 1 unchanged, 0 refused'* ]] || fail "$output"
    nw_expect hello Ada Ada
    nw_expect teller '' '2 1 Hi - / '
}

@test "a function that is refused does not keep the others" {
    plain
    cp "$FUNCTIONS/hello/hello.so" old/
    echo nothing >old/bad.so
    echo '[{"funcName": "bad", "funcId": 1}, {"funcName": "hello", "funcId": 2}]' >old/func_config.json
    nw_up --func-config old/func_config.json
    deployed '1 deployed, 0 unchanged, 1 refused'
    nw_poll "$NW_PATIENCE" grep -q 'not all functions are deployed' "$NW_LOG"
    grep -q 'cannot deploy "bad": .*/bad.so' "$NW_LOG"
    nw_expect hello Ada 'Hello, Ada!'
    run -1 "$NIGHTWARD" deploy --state "$NW_STATE" --func-config old/func_config.json
    [[ $output == *'0 deployed, 1 unchanged, 1 refused'* ]] || fail "$output"
}
