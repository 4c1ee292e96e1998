# The processes: start, stop, restart, kill -9 of each under load, and what is left behind: nothing.
# timeout: 300
# threads: each
# sanitized: yes

load helper

setup() {
    nw_require_mode
    unset NW_STATE NW_PID
}

teardown() {
    nw_load_end || true
    nw_down
}

# died PID:START...: for a Nightward that ended by itself; takes the family that it had.
died() {
    nw_nothing_left "$@" && unset NW_PID
}

# keeps_answering: a call succeeds within the patience of the suite, and the load never got another's response.
keeps_answering() {
    nw_poll "$NW_PATIENCE" nw_answers echo again || fail "no answer: status $code: $body" "$(tail -n 20 "$NW_LOG")"
    nw_load_end
}

tolerant_load() {
    nw_load --requests 0 --clients 4 --pipeline 2 --tolerate "$(nw_address)" /function/echo
    nw_poll "$NW_PATIENCE" nw_answers echo ready
}

new_worker() {
    local pid
    pid=$(nw_worker_pids | head -n 1)
    [ -n "$pid" ] && [ "$pid" -gt 0 ] && [ "$pid" != "$1" ]
}

@test "stops cleanly on SIGTERM with status 0" {
    local family status=0
    nw_up
    nw_deploy_samples hello
    nw_expect hello Ada 'Hello, Ada!'
    family=$(nw_family "$NW_PID")
    kill -TERM "$NW_PID"
    wait "$NW_PID" || status=$?
    [ "$status" = 0 ] || fail "status $status" "$(tail -n 20 "$NW_LOG")"
    died $family
}

@test "closing the terminal stops nothing" {
    local family one
    nw_up
    nw_deploy_samples echo
    family=$(nw_family "$NW_PID")
    for one in $family; do
        kill -HUP "${one%:*}"
    done
    nw_expect echo still still
    nw_poll "$NW_PATIENCE" grep -q 'nightward: SIGHUP changes nothing' "$NW_LOG"
    [ "$(nw_family "$NW_PID" | sort)" = "$(sort <<<"$family")" ] || fail "$(cat "$NW_LOG")"
}

@test "stops cleanly on SIGINT with status 0" {
    local family status=0
    nw_up
    family=$(nw_family "$NW_PID")
    kill -INT "$NW_PID"
    wait "$NW_PID" || status=$?
    [ "$status" = 0 ]
    died $family
}

@test "says how it isolates, where it listens and which processors it has" {
    nw_up
    grep -q "$(nw_status mode)" "$NW_LOG"
    grep -qF "$(nw_address)" "$NW_LOG"
    grep -qi 'cpu' "$NW_LOG"
}

@test "a running invocation is finished before it stops" {
    local status=0
    nw_up
    nw_deploy sleeper "$FUNCTIONS/fault/fault.so" --timeout 8s
    curl -sS --max-time 20 -d 'sleep 1' "$NW_URL/function/sleeper" >"$BATS_TEST_TMPDIR/answer" 3>&- &
    local call=$!
    nw_poll "$NW_PATIENCE" in_flight
    kill -TERM "$NW_PID"
    wait "$call"
    [ "$(cat "$BATS_TEST_TMPDIR/answer")" = slept ] || fail "$(cat "$BATS_TEST_TMPDIR/answer")"
    wait "$NW_PID" || status=$?
    [ "$status" = 0 ]
}

# in_flight: a worker has something to run.
in_flight() {
    nw_status workers | grep -q '"in_flight":[1-9]'
}

@test "a function that is removed ends as a program does" {
    nw_up
    nw_deploy ends "$NW_BUILD/test/worker/ends.so" --slots 1
    nw_expect ends 'without an end of line' ''
    run -0 "$NIGHTWARD" remove ends --state "$NW_STATE"
    nw_poll "$NW_PATIENCE" grep -q 'function ends: left in the buffer$' "$NW_LOG"
    grep -q 'function ends: without an end of line$' "$NW_LOG"
    grep -q 'function ends: exit handler$' "$NW_LOG"
    grep -q 'function ends: destructor$' "$NW_LOG"
}

# lasting NAME: what is said of a function, but for what it holds at this moment and has used so far
lasting() {
    nw_admin "/v1/functions/$1" | tr -d '\n\t ' |
        sed 's/"holds":{[^}]*}//; s/"processor":{[^}]*}//; s/"func_workers":[0-9]*//g'
}

@test "what is deployed survives a restart" {
    nw_up
    nw_deploy hi "$FUNCTIONS/hello/hello.so" --slots 3 --timeout 4s --memory 32M --env A=b
    local before
    before=$(lasting hi)
    nw_down
    nw_up
    nw_expect hi Ada 'Hello, Ada!' # which loads it again
    [ "$(lasting hi)" = "$before" ]
}

@test "what is deployed survives kill -9 of everything at any moment" {
    local i family
    for i in 1 2; do
        nw_up
        nw_deploy_samples hello echo
        (while :; do
            "$NIGHTWARD" deploy turn "$FUNCTIONS/echo/echo.so" --state "$NW_STATE" || true
            "$NIGHTWARD" deploy turn "$FUNCTIONS/hello/hello.so" --state "$NW_STATE" || true
        done >/dev/null 2>&1 3>&-) &
        local deployer=$!
        nw_poll "$NW_PATIENCE" nw_version turn
        family=$(nw_family "$NW_PID")
        kill -KILL $(sed 's/:[0-9]*//' <<<"$family") 2>/dev/null || true
        kill -TERM "$deployer"
        wait "$deployer" || true
        rm -f "$NW_STATE/admin.sock"
        died $family
        nw_up
        nw_expect hello Ada 'Hello, Ada!'
        nw_expect echo same same
        nw_answers turn x || fail "turn: status $code: $body"
        nw_down
    done
}

@test "kill -9 of a worker under load: it is restarted" {
    nw_up
    nw_deploy_samples echo
    tolerant_load
    local pid
    pid=$(nw_worker_pids | head -n 1)
    kill -KILL "$pid"
    nw_poll "$NW_PATIENCE" new_worker "$pid" || fail "no new worker" "$(tail -n 20 "$NW_LOG")"
    keeps_answering
}

@test "kill -9 of the launcher under load: it is restarted with its workers" {
    nw_up
    nw_deploy_samples echo
    tolerant_load
    local worker launcher
    worker=$(nw_worker_pids | head -n 1)
    launcher=$(nw_launcher_pid)
    [ "$launcher" -gt 1 ] && [ "$launcher" != "$NW_PID" ]
    kill -KILL "$launcher"
    nw_poll "$NW_PATIENCE" nw_gone "$worker"
    nw_poll "$NW_PATIENCE" new_worker "$worker" || fail "no new worker" "$(tail -n 20 "$NW_LOG")"
    keeps_answering
}

# connected_or_ended PID: a client is connected to the gateway, or has given up.
connected_or_ended() {
    nw_gone "$1" || ss -Htn state established dst "$(nw_address)" | grep -q .
}

@test "kill -9 of the engine under load: it is restarted and serves the same address" {
    nw_up
    nw_deploy_samples echo
    tolerant_load
    local engine
    engine=$(nw_engine_pid)
    [ "$engine" -gt 1 ] && [ "$engine" != "$NW_PID" ]
    kill -KILL "$engine"
    nw_poll "$NW_PATIENCE" nw_gone "$engine"
    keeps_answering
}

@test "SIGTERM to the engine alone: the next one serves the same address, with either event loop" {
    local io engine
    for io in auto uv; do
        NW_TEST_IO=$io nw_up
        nw_deploy_samples echo
        engine=$(nw_engine_pid)
        kill -TERM "$engine"
        nw_poll "$NW_PATIENCE" nw_gone "$engine"
        nw_poll "$NW_PATIENCE" nw_answers echo again || fail "--io $io: no answer" "$(tail -n 20 "$NW_LOG")"
        nw_down
    done
}

@test "while there is no engine nobody is refused: who connects is answered by the next one" {
    local engine caller
    nw_up
    nw_deploy_samples echo
    engine=$(nw_engine_pid)
    kill -STOP "$NW_PID" # it starts no engine meanwhile
    kill -KILL "$engine"
    nw_poll "$NW_PATIENCE" nw_gone "$engine"
    curl -sS --max-time 60 -d patient "$NW_URL/function/echo" >"$BATS_TEST_TMPDIR/answer" 2>&1 3>&- &
    caller=$!
    nw_poll "$NW_PATIENCE" connected_or_ended "$caller"
    kill -CONT "$NW_PID"
    wait "$caller" || fail "the caller got: $(cat "$BATS_TEST_TMPDIR/answer")"
    [ "$(cat "$BATS_TEST_TMPDIR/answer")" = patient ] || fail "$(cat "$BATS_TEST_TMPDIR/answer")"
    kill -TERM "$NW_PID"
    nw_poll "$NW_PATIENCE" nw_gone "$NW_PID"
    run -7 curl -sS --max-time 20 "$NW_URL/healthz"
}

@test "kill -9 of nightward under load: everything goes, and it starts again" {
    local family
    nw_up
    nw_deploy_samples echo
    tolerant_load
    family=$(nw_family "$NW_PID")
    kill -KILL "$NW_PID"
    nw_poll "$NW_PATIENCE" nw_gone "$NW_PID"
    nw_load_end || true
    ! grep -q 'not its own' "$BATS_TEST_TMPDIR/load.out"
    died $family
    nw_up
    nw_expect echo back back
}

@test "a second engine on the same state directory refuses" {
    nw_up
    run -111 timeout 10 "$NIGHTWARD" up --listen 127.0.0.1:0 --state "$NW_STATE" --isolation "$NW_TEST_MODE" --allow-no-isolation
    [[ $output == *"$NW_STATE"* ]]
    nw_deploy_samples echo
    nw_expect echo mine mine
}

@test "an address in use is named, with status 111" {
    nw_up
    run -111 timeout 10 "$NIGHTWARD" up --listen "$(nw_address)" --state "$BATS_TEST_TMPDIR/other" \
        --isolation "$NW_TEST_MODE" --allow-no-isolation
    [[ $output == *"$(nw_address)"* ]]
}

@test "a state directory that cannot be made is named, with status 111" {
    : >"$BATS_TEST_TMPDIR/file"
    run -111 timeout 10 "$NIGHTWARD" up --listen 127.0.0.1:0 --state "$BATS_TEST_TMPDIR/file/state"
    [[ $output == *"$BATS_TEST_TMPDIR/file/state"* ]]
}

@test "limits that are too low are reported, with status 111, and leave nothing" {
    local limit limits=('-n 8')
    [ "$NW_TEST_MODE" = process ] || limits+=('-n 24' '-f 50000') # else there is no worker yet that could meet them
    for limit in "${limits[@]}"; do
        run -111 timeout 10 bash -c "ulimit $limit; exec \"\$@\"" - "$NIGHTWARD" up --listen 127.0.0.1:0 \
            --state "$BATS_TEST_TMPDIR/few" --isolation "$NW_TEST_MODE" --allow-no-isolation
        [[ $output == *error* || $output == *cannot* ]] || fail "ulimit $limit: $output"
        [ ! -e "$BATS_TEST_TMPDIR/few/admin.sock" ]
    done
}

@test "bad flags are named, with status 2" {
    local flags
    for flags in '--isolation sometimes' '--workers none' '--listen nowhere' '--nonsense'; do
        run -2 timeout 10 "$NIGHTWARD" up --state "$BATS_TEST_TMPDIR/unused" $flags
        [[ $output == *"${flags%% *}"* ]] || fail "$flags is not named: $output"
    done
    [ ! -e "$BATS_TEST_TMPDIR/unused/lock" ]
}

@test "a bad configuration file is named with its line, with status 2" {
    printf 'workers = 1\nnonsense = 2\n' >"$BATS_TEST_TMPDIR/config"
    run -2 timeout 10 "$NIGHTWARD" up --state "$BATS_TEST_TMPDIR/unused" --config "$BATS_TEST_TMPDIR/config"
    [[ $output == *"$BATS_TEST_TMPDIR/config:2:"*nonsense* ]]
}

@test "commands without a running Nightward say how to start one, with status 111" {
    run -111 "$NIGHTWARD" list --state "$BATS_TEST_TMPDIR/nobody"
    [[ $output == *"nightward up"* ]]
}

@test "no isolation at all needs a flag of its own" {
    run -2 timeout 10 "$NIGHTWARD" up --listen 127.0.0.1:0 --state "$BATS_TEST_TMPDIR/unused" --isolation none
    [[ $output == *--allow-no-isolation* ]]
}
