# nightward up: starting, watching, restarting and stopping its children, with a stand-in for the engine and the real
# launcher. With the real engine and workers: engine/test/e2e/lifecycle.bats.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir bin state
    # Copies, since the programs look for each other beside the file that runs.
    cp "$NW_BUILD/bin/nightward" "$NW_BUILD/bin/nightward-launcher" bin/
    cp "$NW_BUILD/test/deploy/fake_engine" bin/nightward-engine
    cp "$(type -P true)" bin/nightward-worker
    family=()
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    all_gone "${family[@]}" || kill -KILL "${family[@]}" 2>/dev/null || true
}

up() {
    bin/nightward up --isolation process --state state --listen 127.0.0.1:0 "$@" >log 2>&1 3>&- &
    pid=$!
}

up_ready() {
    up "$@"
    poll_until grep -q 'nightward: ready on' log
    remember
}

# remember: the children of now join those that must not be left behind.
remember() {
    family+=($(<"/proc/$pid/task/$pid/children"))
}

gone() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    [[ ${stat##*) } == Z* ]]
}

all_gone() {
    local one
    for one in "$@"; do
        gone "$one" || return 1
    done
}

# ends_with STATUS: nightward ends so and leaves nothing.
ends_with() {
    local status=0
    poll_until gone "$pid"
    wait "$pid" || status=$?
    pid=
    [ "$status" = "$1" ] || fail "status $status instead of $1:" "$(cat log)"
    poll_until all_gone "${family[@]}"
    [ ! -e state/admin.sock ]
}

engine() {
    sed -n '$s/ .*//p' state/starts
}

starts() {
    wc -l <state/starts
}

launchers() {
    wc -l <state/launchers
}

more_than() {
    (($("$2") > $1))
}

# The child of nightward that is not the engine.
launcher() {
    local child
    for child in $(<"/proc/$pid/task/$pid/children"); do
        [ "$child" = "$(engine)" ] || echo "$child"
    done
}

@test "it reports what it decided and its address, and stops on SIGTERM" {
    up_ready --workers 3 --executors 2
    grep -q 'nightward: isolation process: ' log
    grep -q "nightward: state directory $PWD/state" log
    grep -q 'nightward: .* CPUs: 3 workers for each function, each of 2 executors' log
    grep -qx 'nightward: ready on http://127.0.0.1:4711' log
    kill -TERM "$pid"
    ends_with 0
}

@test "it stops on SIGINT" {
    up_ready
    kill -INT "$pid"
    ends_with 0
}

@test "SIGHUP stops nothing, and the log says so" {
    up_ready
    kill -HUP "$pid"
    poll_until grep -q '^nightward: SIGHUP changes nothing' log
    kill -0 "$pid"
    [ "$(starts)" = 1 ]
    kill -TERM "$pid"
    ends_with 0
}

@test "an engine that cannot start passes its status on" {
    echo 'exit 111' >state/behave
    up
    ends_with 111
    echo 'exit 2' >state/behave
    up
    ends_with 2
    [ "$(starts)" = 2 ]
}

@test "a launcher that cannot start ends it" {
    rm bin/nightward-worker
    echo unready >state/behave
    up
    ends_with 111
    grep -q nightward-worker log
}

@test "a program that is missing is named" {
    rm bin/nightward-engine
    expect 111 nightward-engine -- bin/nightward up --isolation process --state state
}

@test "a program that cannot be executed is named" {
    echo nonsense >bin/nightward-engine
    expect 111 'nightward-engine: cannot execute it' -- bin/nightward up --isolation process --state state
    cp "$NW_BUILD/test/deploy/fake_engine" bin/nightward-engine
    echo nonsense >bin/nightward-launcher
    echo unready >state/behave
    expect 111 'nightward-launcher: cannot execute it' -- bin/nightward up --isolation process --state state
    # The engine may have been ended before it wrote who it is.
    [ ! -e state/starts ] || all_gone "$(engine)"
}

@test "too few file descriptors are reported" {
    local n
    for n in 6 8 12 20; do
        expect 111 "Too many open files: RLIMIT_NOFILE is $n; raise it with ulimit -n" -- bash -c "ulimit -n $n; exec \"\$@\"" - \
            bin/nightward up --isolation process --state state 3>&-
    done
}

@test "kill -9 of the engine: both are started again, on the same port" {
    up_ready
    local first launcher
    first=$(engine) launcher=$(launcher)
    kill -KILL "$first"
    poll_until grep -q 'ready again on http://127.0.0.1:4711' log
    remember
    gone "$launcher"
    [ "$(starts)" = 2 ]
    [[ $(tail -n 1 state/starts) == *" 127.0.0.1:4711" ]]
    grep -q 'nightward-engine ended: killed by signal 9' log
    run -1 grep 'nightward-launcher ended' log
    kill -TERM "$pid"
    ends_with 0
}

@test "kill -9 of the launcher: the engine stays and gets another one" {
    up_ready
    local engine
    engine=$(engine)
    kill -KILL "$(launcher)"
    poll_until more_than 1 launchers
    remember
    [ "$(engine)" = "$engine" ]
    run -1 gone "$engine"
    grep -q 'nightward-launcher ended: killed by signal 9' log
    kill -TERM "$pid"
    ends_with 0
}

# after_kills N: what has been killed so often is there again.
after_kills() {
    poll_until more_than "$1" starts
    poll_until more_than "$1" launchers
    remember
}

@test "a killed child restarts at once, one that keeps failing waits longer each time" {
    local i
    up_ready
    for i in 1 2 3 4 5 6; do
        kill -KILL "$(engine)"
        after_kills "$i"
    done
    for i in 7 8 9 10 11 12; do
        kill -KILL "$(launcher)"
        poll_until more_than "$i" launchers
        remember
    done
    run -1 grep 'starting it again in' log
    [ "$(grep -c 'starting it again' log)" = 12 ] || fail "$(cat log)"
    echo 'exit 111' >state/behave
    kill -KILL "$(engine)"
    poll_until grep -q 'nightward-engine ended: exit status 111; starting it again in .* ms, because it keeps ending' log
    kill -TERM "$pid"
    ends_with 0
}

@test "kill -9 of nightward: nothing is left" {
    up_ready
    kill -KILL "$pid"
    ends_with 137
}

@test "kill -9 of nightward ends the launcher, whatever both are doing" {
    echo hang >state/behave
    up_ready
    local launcher
    launcher=$(launcher)
    # Stopped, so that it cannot see the end of its sockets.
    kill -STOP "$launcher"
    kill -KILL "$pid"
    poll_until gone "$launcher"
    kill -KILL "$(engine)"
    rm state/admin.sock
    ends_with 137
}

@test "after it was ready once it goes on trying to start its children" {
    up_ready
    echo 'exit 111' >state/behave
    kill -KILL "$(engine)"
    poll_until more_than 3 starts
    rm bin/nightward-engine
    poll_until grep -q 'cannot start nightward-engine: cannot execute it' log
    rm state/behave
    cp "$NW_BUILD/test/deploy/fake_engine" bin/nightward-engine
    poll_until grep -q 'ready again' log
    remember
    kill -TERM "$pid"
    ends_with 0
}

@test "sockets of an engine that ended before it was ready are given to no other one" {
    echo some >state/behave
    up
    poll_until more_than 1 starts
    rm state/behave
    poll_until grep -q 'nightward: ready on' log
    remember
    [ ! -e state/given ] || fail "$(cat state/given)"
    kill -TERM "$pid"
    ends_with 0
}

@test "a second signal does not wait for the engine to drain" {
    echo deaf >state/behave
    up_ready
    kill -TERM "$pid"
    poll_until grep -q stopping log
    run -1 gone "$(engine)"
    kill -TERM "$pid"
    ends_with 0
}

@test "an engine that hangs is killed in the end, and what it left is removed" {
    echo hang >state/behave
    up_ready
    [ -e state/admin.sock ]
    kill -TERM "$pid"
    poll_until grep -q stopping log
    kill -TERM "$pid"
    ends_with 0
    grep -q 'nightward-engine did not end in time' log
}

@test "it can be stopped while the engine is down" {
    up_ready
    echo 'exit 111' >state/behave
    kill -KILL "$(engine)"
    poll_until more_than 4 starts
    kill -TERM "$pid"
    ends_with 0
}

@test "the terminal's signals reach nightward alone" {
    up_ready
    local child stat fields
    for child in "${family[@]}"; do
        stat=$(<"/proc/$child/stat")
        read -ra fields <<<"${stat##*) }"
        # The session is its own.
        [ "${fields[3]}" = "$child" ]
    done
    kill -TERM "$pid"
    ends_with 0
}

@test "it runs without standard input, output and error" {
    bin/nightward up --isolation process --state state --listen 127.0.0.1:0 <&- >&- 2>&- 3>&- &
    pid=$!
    : >log
    poll_until more_than 0 launchers
    remember
    [ "$(readlink "/proc/$(engine)/fd/0")" = /dev/null ]
    [[ $(readlink "/proc/$(engine)/fd/3") == socket:* ]]
    kill -TERM "$pid"
    ends_with 0
}

@test "a service manager is told, and only by nightward" {
    perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "notify") or die;
        while (defined $s->recv(my $text, 100)) { syswrite STDOUT, "$text\n"; last if $text =~ /STOPPING/ }
    ' >told 3>&- &
    local manager=$!
    poll_until test -S notify
    NOTIFY_SOCKET=$PWD/notify up_ready
    poll_until grep -qx READY=1 told
    run -1 grep -az NOTIFY_SOCKET "/proc/$(engine)/environ"
    kill -TERM "$pid"
    wait "$manager"
    [ "$(cat told)" = $'READY=1\nSTOPPING=1' ]
    ends_with 0
}
