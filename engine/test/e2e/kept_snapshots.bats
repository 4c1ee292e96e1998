# Snapshots that are kept in the state directory: what a function drew at random when it was loaded tells which start it
# comes from.
# timeout: 300

load helper

setup() {
    nw_require_mode
    nw_up --snapshot auto
    nw_deploy keeper "$NW_BUILD/test/worker/keeper.so"
    nw_poll "$NW_PATIENCE" has_files 1
    drawn keeper
    first=$drawn
}

teardown() {
    nw_down
}

# drawn FUNCTION: sets $drawn.
drawn() {
    nw_poll "$NW_PATIENCE" nw_answers "$1" x || fail "$1 does not answer: status $code: $body"
    drawn=${body%% *}
}

# has_files N: whether so many snapshots are kept.
has_files() {
    [ "$(find "$NW_STATE/snapshots" -type f | wc -l)" -eq "$1" ]
}

restart() {
    nw_down
    nw_up --snapshot auto
    drawn keeper
}

@test "a snapshot outlives the host" {
    restart
    [ "$drawn" = "$first" ]
    ! grep -q discarded "$NW_LOG"
}

@test "a snapshot outlives kill -9 of the engine" {
    kill -KILL "$(nw_engine_pid)"
    drawn keeper
    [ "$drawn" = "$first" ]
}

@test "a snapshot that was damaged is removed, and another is kept" {
    local file
    file=$(find "$NW_STATE/snapshots" -type f)
    chmod u+w "$file"
    printf X | dd of="$file" bs=1 seek=5000 conv=notrunc 2>/dev/null
    restart
    [ "$drawn" != "$first" ]
    grep -q "it is not what was written, and is removed" "$NW_LOG"
    first=$drawn
    nw_poll "$NW_PATIENCE" has_files 1
    restart
    [ "$drawn" = "$first" ]
}

@test "a snapshot is of one version with its settings, and goes with it" {
    nw_deploy keeper "$NW_BUILD/test/worker/keeper.so" --env OTHER=1
    drawn keeper
    [ "$drawn" != "$first" ]
    "$NIGHTWARD" remove keeper --state "$NW_STATE"
    nw_poll "$NW_PATIENCE" has_files 0
}

@test "a snapshot of settings that no function has any more goes at the next start" {
    local file
    file=$(find "$NW_STATE/snapshots" -type f)
    cp -p "$file" "${file%????????}00000000"
    restart
    nw_poll "$NW_PATIENCE" has_files 1
    [ "$drawn" = "$first" ]
}

@test "where no snapshot can be kept the function serves, and the log says so" {
    rm -r "$NW_STATE/snapshots"
    nw_deploy other "$NW_BUILD/test/worker/keeper.so"
    drawn other
    nw_poll "$NW_PATIENCE" grep -q "cannot keep snapshots/" "$NW_LOG"
}
