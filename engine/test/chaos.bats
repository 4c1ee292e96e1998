# Everything at once, at random, for CHAOS_SECONDS (60); then all adds up. CHAOS_SEED repeats what the actors intend.
# In mode mpk, or process where there are no keys.
# timeout: 900
# waits: yes

load e2e/helper

setup() {
    NW_TEST_MODE=mpk
    [ -z "$(nw_mode_lacks)" ] || NW_TEST_MODE=process
}

teardown() {
    nw_down
}

@test "after load, crashes, attacks and kills nothing is left over" {
    local mode=() seed=()
    nw_up
    [ "$NW_TEST_MODE" != mpk ] || mode=(--mpk)
    [ -z "${CHAOS_SEED:-}" ] || seed=(--seed "$CHAOS_SEED")
    "$NW_BUILD/test/e2e/chaos" --build "$NW_BUILD" --state "$NW_STATE" --host "$NW_PID" "${mode[@]}" "${seed[@]}" \
        --seconds "${CHAOS_SECONDS:-60}" "$(nw_address)" >"$BATS_TEST_TMPDIR/chaos.out" 2>&1 3>&- ||
        fail "$(grep '^chaos:' "$BATS_TEST_TMPDIR/chaos.out")" "$(tail -n 80 "$BATS_TEST_TMPDIR/chaos.out")" \
            "$(tail -n 40 "$NW_LOG")"
    cat "$BATS_TEST_TMPDIR/chaos.out"
}
