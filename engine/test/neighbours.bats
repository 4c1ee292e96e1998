# What one function or client takes, no other lacks. A neighbour that is called 500 times a second beside each scenario of
# e2e/greedy/scenarios.sh answers every call, has what it may have, crashes and comes back, is deployed anew, and no worker
# ends. In modes mpk and process side by side; bench/neighbours shows how long the answers take.
# timeout: 300

load e2e/helper

CALLS=500

setup_file() {
    local mode
    ulimit -n 4096 # fewer than some functions may have together
    for mode in $(modes); do start_host "$mode"; done
}

teardown_file() {
    local mode
    for mode in $(modes); do
        use_host "$mode"
        nw_down
    done
}

setup() {
    source "$NW_ROOT/engine/test/e2e/greedy/scenarios.sh"
    GREEDY_MIB=1024 GREEDY_DIRECTORY=$BATS_FILE_TMPDIR/files
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
    mkdir -p "$GREEDY_DIRECTORY"
    scenario_files
}

# --- a host for each mode ---

lacks_mpk() {
    NW_TEST_MODE=mpk nw_mode_lacks
}

modes() {
    [ -n "$(lacks_mpk)" ] || echo mpk
    echo process
}

start_host() {
    NW_TEST_MODE=$1
    unset NW_STATE
    nw_up
    printf '%s=%q\n' NW_TEST_MODE "$1" NW_STATE "$NW_STATE" NW_LOG "$NW_LOG" NW_PID "$NW_PID" NW_URL "$NW_URL" \
        >"$BATS_FILE_TMPDIR/host-$1"
}

use_host() {
    source "$BATS_FILE_TMPDIR/host-$1"
}

# in_mode MODE COMMAND...: with a neighbour, and with nothing left behind.
in_mode() {
    local name
    use_host "$1"
    GREEDY_ADDRESS=$(nw_address) ANSWERS=$BATS_TEST_TMPDIR/answers-$1
    : >"$ANSWERS"
    deploy_neighbour
    trap end_scenario EXIT
    "${@:2}"
    end_scenario
    trap - EXIT
    for name in $(deployed); do "$NIGHTWARD" remove --state "$NW_STATE" "$name" >/dev/null; done
}

# in_each_mode COMMAND...
in_each_mode() {
    local mode failed='' runs=()
    for mode in $(modes); do
        (in_mode "$mode" "$@") >"$BATS_TEST_TMPDIR/$mode" 2>&1 3>&- &
        runs+=("$!")
    done
    for mode in $(modes); do
        wait "${runs[0]}" || failed+="in mode $mode: $(cat "$BATS_TEST_TMPDIR/$mode")"$'\n'
        runs=("${runs[@]:1}")
    done
    [ -z "$failed" ] || fail "$failed"
    [ -z "$(lacks_mpk)" ] || skip "it holds in mode process; mode mpk cannot run here: $(lacks_mpk)"
}

# --- what scenarios.sh asks for ---

scenario_deploy_as() {
    nw_deploy "$1" "$GREEDY/$2.so" "${@:3}"
}

scenario_call() {
    curl -sS --max-time "$NW_PATIENCE" -d "$2" "$NW_URL/function/$1" >>"$ANSWERS" 2>&1 || true
}

begin_scenario() {
    (scenario_run "$1") >/dev/null 2>&1 &
    RUNNER=$!
}

end_scenario() {
    [ -n "${RUNNER:-}" ] || return 0
    pkill -P "$RUNNER" || true
    kill "$RUNNER" 2>/dev/null || true
    wait "$RUNNER" || true
    unset RUNNER
}

# --- what is promised to a neighbour ---

deploy_neighbour() {
    nw_deploy neighbour "$GREEDY/neighbour.so" --slots 4 --timeout 2s --profile files "$@"
}

deployed() {
    "$NIGHTWARD" list --state "$NW_STATE" --json | grep -o '"name":"[^"]*"' | cut -d'"' -f4
}

beside() {
    local before
    scenario_deploy "$1"
    before=$(nw_status counters.workers_lost)
    begin_scenario "$1"
    answers_all
    has_its_share neighbour
    comes_back
    [ "$(nw_status counters.workers_lost)" = "$before" ] ||
        fail "a worker ended:" "$(grep -v ' serves\| is up' "$NW_LOG" | tail -n 5)"
    can_be_deployed
}

answers_all() {
    local result
    result=$("$LOAD" --rate 500 --clients 20 --requests $((CALLS / 20)) --size 1000 --seconds "$NW_PATIENCE" \
        "$(nw_address)" /function/neighbour 2>&1) && [[ $result == *"ok=$CALLS "* ]] ||
        fail "of $CALLS calls of the neighbour:" "$(tail -n 5 <<<"$result")"
}

# has_its_share NAME
has_its_share() {
    local what
    for what in allocate thread open read; do nw_expect "$1" "$what" ok; done
}

comes_back() {
    nw_expect_error neighbour crash 502 function_crashed
    nw_poll "$NW_PATIENCE" nw_answers neighbour again || fail "the neighbour does not come back: $code $body"
    has_its_share neighbour
}

can_be_deployed() {
    deploy_neighbour --env "AGAIN=$BATS_TEST_NUMBER"
    has_its_share neighbour
    nw_deploy newcomer "$GREEDY/neighbour.so" --profile files
    has_its_share newcomer
}

# --- scenarios of which more is promised ---

# What all workers keep of the code that functions mapped, each copy once.
code_mib() {
    local pid range inode bytes=0
    for pid in $(nw_worker_pids); do
        while read -r range _ _ _ inode _; do
            bytes=$((bytes + 0x${range#*-} - 0x${range%-*}))
        done < <(grep nightward-code "/proc/$pid/maps" | sort -u -k 5,5)
    done
    echo $((bytes >> 20))
}

images() {
    beside images
    (($(code_mib) < 128)) || fail "$(code_mib) MiB of code"
}

# The callee's memory is its own again after it was called more often than it can answer.
callers() {
    scenario_deploy call
    has_its_share callee
    beside call
    end_scenario
    has_its_share callee
}

func_workers() {
    beside wait
    (($(sed 's/ threads//' "$ANSWERS") <= 32)) || fail "$(cat "$ANSWERS")"
}

back_before_slow_ones() {
    many 3 slow
    wait
    deploy_neighbour --env LAST=yes
    kill -KILL $(nw_worker_pids)
    scenario_call greedy1 ok &
    nw_poll "$NW_PATIENCE" nw_answers neighbour again || fail "$code $body"
    # A call that the loss caught is answered, too, but not by the function.
    ! grep -q '^ok' "$ANSWERS" || fail "greedy1 is back before: $(cat "$ANSWERS")"
    wait
}

@test "a function that maps one page of a file until it cannot" {
    in_each_mode beside mappings
}

@test "a function that takes each mapping that comes free" {
    in_each_mode beside refill
}

@test "a function that maps code at every offset" {
    in_each_mode images
}

@test "a function that has much memory moved" {
    in_each_mode beside move
}

@test "a function that maps a page of a large file as code" {
    in_each_mode beside map-code
}

@test "a function that reads much at once" {
    in_each_mode beside read
}

@test "a function that crashes with much memory" {
    in_each_mode beside crash
}

@test "functions that each compute for ever in the background" {
    in_each_mode beside spin
}

@test "functions that each block for ever in the background" {
    in_each_mode beside block
}

@test "callers of a function that takes its time" {
    in_each_mode callers
}

@test "threads that make themselves func workers" {
    in_each_mode func_workers
}

@test "functions whose threads all block" {
    in_each_mode beside blocked
}

@test "functions that hold all descriptors" {
    in_each_mode beside descriptors
}

@test "functions that never come up" {
    in_each_mode beside load
}

@test "a lost worker is back for a neighbour before what is slow to load" {
    in_each_mode back_before_slow_ones
}

@test "clients that read nothing of large answers" {
    in_each_mode beside unread
}

@test "clients that stop before the end of large requests" {
    in_each_mode beside unfinished
}

@test "clients that send large requests, as many as they can" {
    in_each_mode beside bodies
}
