# Clients that go away at random points, for CANCEL_SECONDS (2) in each mode: then nothing of what they asked for is left.
# CANCEL_SEED repeats what they intend. In modes mpk, where functions call others directly, and process, where those calls
# go through the engine.
# timeout: 900

load e2e/helper


teardown() {
    nw_down
}

# Numbers of `status` and of all functions that say what is still held for somebody.
held() {
    local status=$1 name functions
    functions=$("$NIGHTWARD" list --state "$NW_STATE" | awk 'NR > 1 { print $1 }')
    "$JSON" in_flight <<<"$status"
    for name in $functions; do
        nw_admin "/v1/functions/$name" >"$BATS_TEST_TMPDIR/function"
        "$JSON" 'holds.arena bytes' <"$BATS_TEST_TMPDIR/function"
        "$JSON" 'holds.payload memory' <"$BATS_TEST_TMPDIR/function"
        "$JSON" 'holds.held outputs' <"$BATS_TEST_TMPDIR/function"
    done
}

nothing_is_held() {
    [ "$(held "$(nw_admin /v1/status)" | sort -u)" = 0 ]
}

# Each invocation has come to one end, and each that came to a worker has ended there.
adds_up() {
    local status
    status=$(nw_admin /v1/status)
    [ "$("$JSON" counters.requests <<<"$status")" = $(($("$JSON" counters.completed <<<"$status") +
        $("$JSON" counters.failed <<<"$status") + $("$JSON" counters.abandoned <<<"$status"))) ]
}

# all_slots_serve NAME BODY ANSWER: as many at once as the function may run, and more.
all_slots_serve() {
    "$LOAD" --clients 16 --requests 4 --input "$2" --expect "$3" "$(nw_address)" "/function/$1"
}

leave() {
    nw_up --workers 1..1 --body-limit 16M
    nw_deploy noop "$FUNCTIONS/noop/noop.so" --slots 4
    nw_deploy echo "$FUNCTIONS/echo/echo.so" --slots 4
    nw_deploy chain "$FUNCTIONS/chain/chain.so" --slots 4
    nw_deploy spin "$NW_BUILD/bench/functions/spin.so" --slots 4
    "$NW_BUILD/test/e2e/leave" "$(nw_address)" "${CANCEL_SECONDS:-2}" "${CANCEL_SEED:-$RANDOM}" 12 \
        'noop x' 'echo #50' 'echo #5000' 'echo #300000' 'echo #1500000' 'chain 1 noop' 'chain 1 spin' 'spin 20000' \
        'spin 3000000' >"$BATS_TEST_TMPDIR/said" || fail "$(cat "$BATS_TEST_TMPDIR/said")" "$(tail -n 40 "$NW_LOG")"
    cat "$BATS_TEST_TMPDIR/said"
    nw_poll "$NW_PATIENCE" nothing_is_held || fail "$(nw_admin /v1/status)" "$(held "$(nw_admin /v1/status)")"
    adds_up || fail "$(nw_admin /v1/status)"
    [ "$(nw_admin /v1/status | "$JSON" counters.cancelled)" -gt 0 ]
    [ "$(nw_admin /v1/status | "$JSON" counters.workers_lost)" = 0 ]
    [ "$(nw_admin /v1/status | "$JSON" counters.protocol_errors)" = 0 ]
    all_slots_serve echo %s %s
    all_slots_serve chain '1 noop' '1 > '
}

@test "in mode mpk, nothing is left of clients that went away" {
    NW_TEST_MODE=mpk
    nw_require_mode
    leave
}

@test "in mode process, nothing is left of clients that went away" {
    NW_TEST_MODE=process
    leave
}
