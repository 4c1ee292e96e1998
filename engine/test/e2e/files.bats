# Functions of profile files through HTTP: what they find of the directories that they were granted.
# timeout: 300

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
    GRANTED=$BATS_FILE_TMPDIR/granted
    mkdir -p "$GRANTED"
}

# deploy_filer [FLAGS]: worker/test/calls/functions/filer.c with the directory, to be changed.
deploy_filer() {
    nw_deploy filer "$NW_BUILD/test/worker/filer.so" --profile files --directories "$GRANTED:rw" "$@"
}

# Nightcore's functions are started in the directory that holds their config/.
@test "a function finds its configuration by a relative path" {
    mkdir -p "$GRANTED/config"
    echo -n words >"$GRANTED/config/service.yml"
    deploy_filer --cwd "$GRANTED" --env NEEDS=config/service.yml
    nw_expect filer getcwd "$GRANTED"
    nw_expect filer 'read config/service.yml' words
    nw_expect filer 'chdir config' ok
    nw_expect filer getcwd "$GRANTED/config"
    nw_expect filer 'read service.yml' words
    nw_expect filer 'chdir ../..' ok
    nw_expect filer 'realpath granted' "$GRANTED"
    [ "$(nw_admin /v1/functions/filer | "$JSON" cwd)" = "$GRANTED" ]
    run -1 "$NIGHTWARD" deploy --state "$NW_STATE" filer "$NW_BUILD/test/worker/filer.so" --cwd "$GRANTED/none"
    [[ $output == *"make the directory that cwd names"* ]]
    run -1 "$NIGHTWARD" deploy --state "$NW_STATE" filer "$NW_BUILD/test/worker/filer.so" --cwd /elsewhere
    [[ $output == *"cwd: /elsewhere lies in none of the directories that are granted"* ]]
    deploy_filer --reset cwd --reset env
    nw_expect filer getcwd /
}

@test "std::filesystem works" {
    nw_compile filesystem.cc <"$NW_ROOT/engine/test/e2e/files/filesystem.cc"
    nw_deploy filesystem "$BATS_TEST_TMPDIR/filesystem.so" --profile files --directories "$GRANTED:rw"
    nw_expect filesystem "$GRANTED/work" ok
    nw_expect filesystem "$GRANTED/work" ok
    run -0 ls "$GRANTED/work"
    [ "$output" = $'h\ns\nw\ny' ]
}

# deploy_sqlite NAME FILE [FLAGS]
deploy_sqlite() {
    [ -e "$BATS_TEST_TMPDIR/sqlite.so" ] || nw_compile sqlite.c -lsqlite3 <"$NW_ROOT/engine/test/e2e/files/sqlite.c"
    nw_deploy "$1" "$BATS_TEST_TMPDIR/sqlite.so" --profile files --directories "$GRANTED:rw" --env "DB=$2" --timeout 60s \
        "${@:3}"
}

# both_write JOURNAL: two functions, four connections each, write to one database: not one line is lost, nor written twice.
both_write() {
    local name pids=()
    nw_expect one first "$1 1" # makes the table
    for name in one two; do
        "$LOAD" --seconds 60 --clients 4 --requests 50 --input "$name %s" --expect "$1 1" "$(nw_address)" "/function/$name" \
            >"$BATS_TEST_TMPDIR/$name" 2>&1 3>&- &
        pids+=($!)
    done
    wait "${pids[0]}" || fail "$(tail -n 5 "$BATS_TEST_TMPDIR/one")"
    wait "${pids[1]}" || fail "$(tail -n 5 "$BATS_TEST_TMPDIR/two")"
    nw_expect one '' "$1 401"
}

@test "functions share an SQLite database" {
    deploy_sqlite one "$GRANTED/plain.db"
    deploy_sqlite two plain.db --cwd "$GRANTED"
    both_write delete
}

@test "functions share an SQLite database that has a write-ahead log" {
    deploy_sqlite one "$GRANTED/wal.db" --env WAL=1
    deploy_sqlite two wal.db --cwd "$GRANTED" --env WAL=1
    both_write wal
}

# The limit is the function's: it holds over calls and crashes, is said by its name, and ends with a new version.
@test "a function fills no more than it may" {
    rm -rf "$GRANTED/full"
    mkdir "$GRANTED/full"
    nw_deploy filler "$NW_BUILD/test/worker/filer.so" --profile files --directories "$GRANTED/full:rw" --cwd "$GRANTED/full" \
        --disk 1M
    [ "$(nw_admin /v1/functions/filler | "$JSON" disk)" = 1M ]
    nw_expect filler 'write a words' ok
    nw_expect filler 'truncate a 900000' ok
    nw_expect filler 'truncate a 2000000' EDQUOT
    nw_call filler 'poke 0 x'
    [ "$code" = 502 ]
    nw_expect filler 'truncate b 0' ENOENT
    nw_expect filler 'write b words' ok
    nw_expect filler 'truncate b 900000' EDQUOT
    nw_expect filler 'left .' 33
    nw_poll "$NW_PATIENCE" grep -q 'function filler: it has [0-9]* disk bytes and asked for more than it may have; raise disk' "$NW_LOG"
    nw_poll "$NW_PATIENCE" holds_disk filler $((223 * 4096))
    nw_deploy filler "$NW_BUILD/test/worker/filer.so" --disk 2M
    nw_expect filler 'truncate b 900000' ok
    run -2 "$NIGHTWARD" deploy --state "$NW_STATE" filler "$NW_BUILD/test/worker/filer.so" --disk 17T
    [[ $output == *"disk"*"0 to 16T"* ]]
}

# holds_disk NAME BYTES: what the engine tells of it.
holds_disk() {
    [ "$(nw_admin "/v1/functions/$1" | "$JSON" "holds.disk bytes")" = "$2" ]
}
