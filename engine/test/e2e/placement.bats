# Where functions are loaded and when: workers that are added for keys, functions that are loaded by a call and unloaded
# when nobody calls.
#
# sanitized: yes
# waits: yes
# timeout: 300

setup() {
    load helper
    nw_require_mode
}

teardown() {
    nw_down
}

# workers_of NAME: the numbers of the workers that serve it, [] when it is loaded nowhere.
workers_of() {
    nw_admin "/v1/functions/$1" | "$JSON" workers
}

is_loaded() {
    [ "$(workers_of "$1")" != '[]' ]
}

is_unloaded() {
    [ "$(workers_of "$1")" = '[]' ]
}

# Domains in all workers, as these say now and then.
domains() {
    local n i sum=0
    n=$(nw_status 'workers.#')
    for ((i = 0; i < n; i++)); do
        sum=$((sum + $(nw_status "workers.$i.domains")))
    done
    echo "$sum"
}

has_domains() {
    [ "$(domains)" = "$1" ]
}

@test "after a start nothing is loaded, and the first call loads" {
    nw_up
    nw_deploy_samples hello echo
    is_loaded hello
    nw_down
    nw_up
    is_unloaded hello
    "$NIGHTWARD" describe hello --state "$NW_STATE" | grep -q 'unloaded .*the next call loads it'
    nw_expect hello Ada 'Hello, Ada!'
    is_loaded hello
    is_unloaded echo
}

@test "many first calls make one domain" {
    local i
    nw_up
    nw_deploy_samples hello
    nw_down
    nw_up
    for i in $(seq 500); do
        echo "url = $NW_URL/function/hello"
        echo 'data = Ada'
        echo "output = $BATS_TEST_TMPDIR/answer.$i"
        [ "$i" = 500 ] || echo next
    done >"$BATS_TEST_TMPDIR/calls"
    curl --silent --parallel --parallel-immediate --parallel-max 300 --config "$BATS_TEST_TMPDIR/calls"
    [ "$(cat "$BATS_TEST_TMPDIR"/answer.* | grep -o 'Hello, Ada!' | wc -l)" = 500 ]
    nw_poll "$NW_PATIENCE" has_domains 1 || fail "$(domains) domains"
    [ "$(nw_status counters.failed)" = 0 ]
}

@test "what nobody calls is unloaded, and loaded again by a call" {
    local i
    nw_up --idle 2s
    nw_deploy_samples hello
    for i in 1 2 3; do
        nw_poll "$NW_PATIENCE" is_unloaded hello || fail "it stays loaded: $(workers_of hello)"
        nw_poll "$NW_PATIENCE" has_domains 0 || fail "$(domains) domains"
        nw_expect hello Ada 'Hello, Ada!'
    done
    [ "$(nw_status counters.failed)" = 0 ]
}

@test "a function may have an idle time of its own" {
    nw_up
    nw_deploy_samples hello
    nw_deploy echo "$FUNCTIONS/echo/echo.so" --idle 2s
    nw_poll "$NW_PATIENCE" is_unloaded echo || fail "it stays loaded: $(workers_of echo)"
    is_loaded hello
    nw_down
    nw_up --idle 2s
    [ "$(nw_admin /v1/functions/echo | "$JSON" idle)" = 2s ]
    "$NIGHTWARD" deploy echo "$FUNCTIONS/echo/echo.so" --idle 1h --state "$NW_STATE"
    nw_expect hello Ada 'Hello, Ada!'
    nw_poll "$NW_PATIENCE" is_unloaded hello || fail "it stays loaded: $(workers_of hello)"
    is_loaded echo
}

@test "what is called by functions alone counts as called" {
    local i
    nw_up --idle 2s
    nw_deploy_samples foo bar
    for i in $(seq 30); do
        nw_answers foo x || fail "foo: status $code: $body"
        sleep 0.1
    done
    is_loaded foo
    is_loaded bar
}

# What was granted is gone when a worker is started again, and back when the function is wanted again.
@test "a replica that was refused is no reason to stay away" {
    local granted=$BATS_TEST_TMPDIR/granted
    mkdir "$granted"
    nw_up --workers 2 --idle 2s
    nw_deploy filer "$NW_BUILD/test/worker/filer.so" --profile files --directories "$granted:ro"
    rmdir "$granted"
    kill -9 "$(nw_worker_pids | tail -n 1)"
    nw_poll "$NW_PATIENCE" answers_and_is filer refused
    nw_poll "$NW_PATIENCE" is_unloaded filer || fail "it stays loaded: $(workers_of filer)"
    mkdir "$granted"
    nw_expect filer getcwd /
}

# answers_and_is NAME STATE: it is called, and has a replica in this state.
answers_and_is() {
    nw_answers "$1" getcwd
    nw_admin "/v1/functions/$1" | grep -q "\"state\":\"$2\""
}

# The engine does not see the call of bar, nor when it ends.
@test "what runs for long counts as called" {
    local pid
    nw_up --idle 2s
    nw_deploy "$FUNCTIONS/foo" --timeout 60s
    nw_deploy bar "$FUNCTIONS/fault/fault.so" --timeout 60s
    nw_deploy_samples echo
    curl -sS -d 'sleep 50' "$NW_URL/function/foo" >/dev/null 2>&1 3>&- &
    pid=$!
    nw_poll "$NW_PATIENCE" is_unloaded echo
    nw_expect echo x x
    nw_poll "$NW_PATIENCE" is_unloaded echo
    is_loaded bar
    kill -9 $(nw_worker_pids)
    wait "$pid"
}

# All are called in the order in which they become idle, when the first one has.
@test "nothing is lost while functions come and go" {
    local round i
    nw_up --idle 2s --engine-threads 2
    for i in $(seq 20); do
        nw_deploy "f$i" "$FUNCTIONS/hello/hello.so" --slots 1
    done
    for round in 1 2 3; do
        nw_poll "$NW_PATIENCE" is_unloaded f1
        for i in $(seq 20); do
            nw_expect "f$i" Ada 'Hello, Ada!'
        done
    done
    [ "$(nw_status counters.failed)" = 0 ]
}

@test "what is to be warm stays loaded, also after a start" {
    nw_up --idle 2s
    nw_deploy_samples echo
    "$NIGHTWARD" deploy hello "$FUNCTIONS/hello/hello.so" --warm 1 --state "$NW_STATE"
    nw_poll "$NW_PATIENCE" is_unloaded echo
    is_loaded hello
    nw_down
    nw_up --idle 2s
    is_loaded hello
    is_unloaded echo
    "$NIGHTWARD" deploy hello "$FUNCTIONS/hello/hello.so" --reset warm --state "$NW_STATE"
    nw_poll "$NW_PATIENCE" is_unloaded hello
}

answers_and_is_unloaded() {
    nw_answers "$1" x
    is_unloaded "$2"
}

# When echo has gone, what was called as long ago would have gone, too.
@test "light load keeps a function in each of so many workers" {
    nw_up --workers 2 --idle 2s
    nw_deploy_samples hello echo
    nw_poll "$NW_PATIENCE" answers_and_is_unloaded hello echo
    [ "$(nw_admin /v1/functions/hello | "$JSON" 'workers.#')" = 2 ]
}

@test "what is to be warm in fewer workers than there are stays loaded" {
    nw_up --workers 2 --idle 2s
    nw_deploy hello "$FUNCTIONS/hello/hello.so" --warm 1
    nw_deploy_samples echo
    nw_poll "$NW_PATIENCE" is_unloaded echo
    is_loaded hello
}

@test "workers are added when no key is free, and go when they are not needed" {
    local i
    nw_up --workers 1..2
    [ "$(nw_status mode)" = mpk ] || skip "only mode mpk has keys"
    for i in $(seq 16); do
        "$NIGHTWARD" deploy "f$i" "$FUNCTIONS/hello/hello.so" --slots 1 --state "$NW_STATE" >/dev/null
    done
    [ "$(nw_status 'workers.#')" = 2 ]
    [ "$(workers_of f1)" != "$(workers_of f16)" ]
    "$NIGHTWARD" describe f14 --state "$NW_STATE" | grep -q 'replicas .*serving.*no worker had a free key'
    "$NIGHTWARD" describe f15 --state "$NW_STATE" | grep -q 'replicas .*serving.*a key was free'
    for i in $(seq 16); do
        nw_expect "f$i" Ada 'Hello, Ada!'
    done
    for i in 1 14 15; do
        "$NIGHTWARD" remove "f$i" --state "$NW_STATE" >/dev/null
    done
    # What is left of them fits where a key is free now.
    nw_poll "$NW_PATIENCE" has_workers 1 || fail "$(nw_status 'workers.#') workers"
    "$NIGHTWARD" describe f16 --state "$NW_STATE" | grep -q 'replicas .*serving.*one worker is enough'
    nw_expect f16 Ada 'Hello, Ada!'
}

@test "a worker is crowded when no other can be started" {
    local i
    cp -r "$(dirname "$NIGHTWARD")" "$BATS_TEST_TMPDIR/bin"
    NIGHTWARD=$BATS_TEST_TMPDIR/bin/nightward
    nw_up --workers 1..2
    [ "$(nw_status mode)" = mpk ] || skip "only mode mpk has keys"
    for i in $(seq 14); do
        nw_deploy "f$i" "$FUNCTIONS/hello/hello.so" --slots 1
    done
    nw_down
    nw_up --workers 1..2
    rm "$BATS_TEST_TMPDIR/bin/nightward-worker"
    for i in $(seq 14); do
        nw_expect "f$i" Ada 'Hello, Ada!'
    done
    live_together f1 f14
}

has_workers() {
    [ "$(nw_status 'workers.#')" = "$1" ]
}

live_together() {
    [ "$(workers_of "$1")" = "$(workers_of "$2")" ]
}

@test "a function moves to its callers, and nothing is lost" {
    local i
    nw_up --workers 1..3
    [ "$(nw_status mode)" = mpk ] || skip "only mode mpk has keys"
    nw_deploy_samples bar
    for i in $(seq 12); do
        nw_deploy "f$i" "$FUNCTIONS/hello/hello.so" --slots 1
    done
    nw_deploy_samples foo
    ! live_together foo bar || fail "they are together: $(workers_of foo)"
    nw_load --requests 0 --input '%s' --expect $'foo called bar: bar heard %s\n' "$(nw_address)" /function/foo
    nw_poll "$NW_PATIENCE" live_together foo bar || fail "foo $(workers_of foo), bar $(workers_of bar)"
    nw_load_end
    "$NIGHTWARD" describe bar --state "$NW_STATE" | grep -q 'its callers are there'
}

# call_all NAME...: each of them fifty times, in turn.
call_all() {
    local name
    for name in "$@"; do
        printf 'url = %s/function/%s\ndata = Ada\noutput = /dev/null\nnext\n' "$NW_URL" "$name"
    done >"$BATS_TEST_TMPDIR/turn"
    for _ in $(seq 50); do cat "$BATS_TEST_TMPDIR/turn"; done | sed '$d' >"$BATS_TEST_TMPDIR/turns"
    curl --silent --fail --config "$BATS_TEST_TMPDIR/turns"
}

# One of the 14 is with the others that are not called.
all_called_and_one_moved() {
    local i
    call_all $(seq -f 'f%.0f' 13) f27
    for i in $(seq 13) 27; do
        "$NIGHTWARD" describe "f$i" --state "$NW_STATE" | grep 'replicas .*serving.*more functions were busy' && return 0
    done
    return 1
}

# Each worker has all its keys in use, and 27 functions want one.
@test "of more busy functions than keys one moves to where others are idle, and nothing is lost" {
    local i stayed=0
    nw_up --workers 1..2 --executors 1
    [ "$(nw_status mode)" = mpk ] || skip "only mode mpk has keys"
    for i in $(seq 27); do
        nw_deploy "f$i" "$FUNCTIONS/hello/hello.so" --slots 1
    done
    live_together f1 f27 || fail "f27 is in $(workers_of f27)"
    nw_poll "$NW_PATIENCE" all_called_and_one_moved
    for i in $(seq 13) 27; do
        live_together f14 "f$i" || stayed=$((stayed + 1))
    done
    [ "$stayed" -ge 7 ] || fail "only $stayed stayed"
    [ "$(nw_status counters.failed)" = 0 ]
}
