# Domains made from snapshots, seen from outside: what a function drew at random when it was loaded tells which start it
# comes from.
# timeout: 120

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up --snapshot auto
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

# drawn FUNCTION: sets $drawn.
drawn() {
    nw_poll "$NW_PATIENCE" nw_answers "$1" x || fail "$1 does not answer: status $code: $body"
    drawn=${body%% *}
}

@test "a function that crashed is as it was when it was loaded" {
    local first came_back=0
    nw_deploy keeper "$NW_BUILD/test/worker/keeper.so"
    drawn keeper
    first=$drawn
    for i in 1 2 3 4 5; do
        nw_expect_error keeper crash 502 function_crashed
        drawn keeper
        [ "$drawn" != "$first" ] || ((came_back += 1))
    done
    ((came_back > 0))
}

@test "why there is no snapshot of a function is in the log, and it serves" {
    local first
    nw_deploy opener "$NW_BUILD/test/worker/keeper.so" --env START=file
    grep -q 'function "opener": no snapshot is taken of it: it opened files while it was loaded' "$NW_LOG"
    drawn opener
    first=$drawn
    nw_expect_error opener crash 502 function_crashed
    drawn opener
    [ "$drawn" != "$first" ]
}

@test "describe says why there is no snapshot of a function" {
    "$NIGHTWARD" describe opener --state "$NW_STATE" | grep 'no.snapshot' | grep -q 'it opened files while it was loaded'
    ! "$NIGHTWARD" describe keeper --state "$NW_STATE" | grep -q 'no.snapshot'
}
