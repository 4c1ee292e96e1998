# What every end-to-end test file loads: start and stop a whole Nightward, call functions, look at what is left behind.
#
# NW_BUILD says where the build is (default: build), NW_TEST_PROGRAMS where the programs under test are (default: bin/ in
# it), NW_TEST_MODE the isolation mode (default: auto). A file either
# shares one instance (nw_up in setup_file, nw_down in teardown_file) or has one for each test.

bats_require_minimum_version 1.5.0

NW_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
NW_BUILD=$(cd "$NW_ROOT" && realpath "${NW_BUILD:-build}")
NW_TEST_MODE=${NW_TEST_MODE:-auto}
NIGHTWARD=${NW_TEST_PROGRAMS:-$NW_BUILD/bin}/nightward
LOAD=$NW_BUILD/test/e2e/load
JSON=$NW_BUILD/test/e2e/json
FUNCTIONS=$NW_BUILD/functions
CC=${CC:-cc}
CXX=${CXX:-c++}
unset NIGHTWARD_STATE

# A small and busy machine's idea of "soon": every wait for something that must happen ends here.
NW_PATIENCE=${NW_PATIENCE:-20}

fail() {
    printf '%s\n' "$@" >&2
    return 1
}

# nw_poll SECONDS COMMAND...: runs the command until it succeeds; fails when the time is over. It looks less often the
# longer it has waited, so that many who wait leave the processors to others.
nw_poll() {
    local begun=${EPOCHREALTIME/[.,]/} most=$(($1 * 1000000)) waited pause
    shift
    until "$@" >/dev/null 2>&1; do
        waited=$((${EPOCHREALTIME/[.,]/} - begun))
        ((waited < most)) || return 1
        pause=$((waited < 100000 ? 20000 : waited > 1000000 ? 200000 : waited / 5))
        printf -v pause '0.%06d' "$pause"
        sleep "$pause"
    done
}

# Why the mode that the suite was asked for cannot run here; nothing when it can.
nw_mode_lacks() {
    [ "$NW_TEST_MODE" != mpk ] || "$NW_BUILD/test/mode-usable" 2>&1 || true
}

# For setup(): skips the test when the mode cannot run. setup_file cannot skip and asks nw_mode_lacks.
nw_require_mode() {
    local why
    [ -x "$NW_BUILD/test/mode-usable" ] || fail "$NW_BUILD/test/mode-usable is missing: run make tests"
    why=$(nw_mode_lacks)
    [ -z "$why" ] || skip "mode mpk cannot run here: $why"
}

# --- processes -------------------------------------------------------------------------------------------------------

# pid, parent, session and start time of every process that is not a zombie, one line each.
nw_processes() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk '{ pid = $1; sub(/^.*\) /, ""); if ($1 != "Z") print pid, $2, $4, $20 }'
}

# nw_family ROOT [PID:START...]: "pid:start" of every running process that descends from ROOT, belongs to its session,
# or is one of the others named.
nw_family() {
    nw_processes | awk -v root="$1" -v named="${*:2}" '
        BEGIN { for (n = split(named, list, /[ \n]+/); n > 0; n--) wanted[list[n]] = 1 }
        { parent[$1] = $2; session[$1] = $3; start[$1] = $4 }
        END {
            for (pid in parent) {
                up = pid
                while (up in parent && up != root && up > 1) up = parent[up]
                id = pid ":" start[pid]
                if (up == root || session[pid] == root || id in wanted) print id
            }
        }'
}

nw_running() {
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    [[ ${line##*) } != Z* ]]
}

nw_gone() {
    ! nw_running "$1"
}

# --- one Nightward ---------------------------------------------------------------------------------------------------

# nw_up [FLAGS]: starts Nightward on the state directory $NW_STATE (made if unset) and a free port, and waits until it
# is ready. Sets and exports NW_STATE, NW_LOG, NW_PID and NW_URL.
nw_up() {
    export NW_STATE=${NW_STATE:-$(mktemp -d "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/state.XXXX")}
    export NW_LOG=$NW_STATE.log
    nw_start "$@"
    nw_poll "$NW_PATIENCE" nw_up_or_dead || true
    nw_running "$NW_PID" || fail "nightward up ended:" "$(cat "$NW_LOG")"
    nw_ready || fail "nightward up did not get ready in $NW_PATIENCE s:" "$(cat "$NW_LOG")"
    NW_URL=http://$(nw_status listen.0)
    export NW_URL
}

# The session makes every process it starts findable. Descriptor 3 belongs to bats.
nw_start() {
    setsid "$NIGHTWARD" up --listen 127.0.0.1:0 --state "$NW_STATE" --isolation "$NW_TEST_MODE" \
        --allow-no-isolation ${NW_TEST_IO:+--io "$NW_TEST_IO"} \
        ${NW_TEST_THREADS:+--engine-threads "$NW_TEST_THREADS"} "$@" >>"$NW_LOG" 2>&1 </dev/null 3>&- &
    export NW_PID=$!
}

nw_ready() {
    [ "$(nw_status ready)" = true ]
}

nw_up_or_dead() {
    nw_ready || nw_gone "$NW_PID"
}

# nw_down: stops it with SIGTERM, waits, and fails if anything of it is left.
nw_down() {
    local family
    [ -n "${NW_PID:-}" ] || return 0
    family=$(nw_family "$NW_PID")
    kill -TERM "$NW_PID" 2>/dev/null || true
    nw_poll "$NW_PATIENCE" nw_gone "$NW_PID" || true
    nw_nothing_left $family
    unset NW_PID
}

# nw_nothing_left PID:START...: waits for these and for the session of $NW_PID to be gone; whatever is left is named,
# killed, and fails the test.
nw_nothing_left() {
    local one left
    nw_poll "$NW_PATIENCE" nw_family_gone "$@" || {
        for one in $(nw_family "$NW_PID" "$@"); do
            echo "left behind: pid ${one%:*}: $(tr '\0' ' ' <"/proc/${one%:*}/cmdline")" >&2
            kill -KILL "${one%:*}"
        done
        return 1
    }
    [ ! -e "$NW_STATE/admin.sock" ] || fail "left behind: $NW_STATE/admin.sock"
    left=$(find /dev/shm -iname '*nightward*' ! -name 'nightward-compare.*') # a comparison may run beside the tests
    [ -z "$left" ] || fail "left behind: $left"
}

nw_family_gone() {
    [ -z "$(nw_family "$NW_PID" "$@")" ]
}

# nw_admin PATH [CURL FLAGS]: the admin API.
nw_admin() {
    local path=$1
    shift
    curl -sS --max-time 20 --unix-socket "$NW_STATE/admin.sock" "$@" "http://nightward$path"
}

# nw_status PATH: one value of `nightward status --json`.
nw_status() {
    "$NIGHTWARD" status --state "$NW_STATE" --json | "$JSON" "$1"
}

nw_engine_pid() {
    nw_status pid
}

# Every worker's pid, one a line.
nw_worker_pids() {
    local n i
    n=$(nw_status 'workers.#') || return 1
    for ((i = 0; i < n; i++)); do
        nw_status "workers.$i.pid"
    done
}

# The launcher is the parent of the workers.
nw_launcher_pid() {
    local worker
    worker=$(nw_worker_pids | head -n 1)
    nw_processes | awk -v pid="$worker" '$1 == pid { print $2 }'
}

# --- functions -------------------------------------------------------------------------------------------------------

# nw_deploy ARGUMENTS: as `nightward deploy`; says what went wrong only when something did.
nw_deploy() {
    local output
    output=$("$NIGHTWARD" deploy --state "$NW_STATE" "$@" 2>&1) || fail "deploy $*: $output"
}

nw_deploy_samples() {
    local name
    for name in "$@"; do
        nw_deploy "$FUNCTIONS/$name"
    done
}

# nw_call NAME DATA [CURL FLAGS]: sets $code and $body. A trailing newline of the body is kept out of the comparison by
# $(...) as usual.
nw_call() {
    local name=$1 data=$2 answer
    shift 2
    answer=$(curl -sS --max-time 20 -w '\n%{http_code}' --data-binary "$data" "$@" "$NW_URL/function/$name") || true
    code=${answer##*$'\n'}
    body=${answer%$'\n'*}
    body=${body%$'\n'}
}

# nw_expect NAME DATA OUTPUT: the call succeeds and says exactly this.
nw_expect() {
    nw_call "$1" "$2"
    [ "$code" = 200 ] && [ "$body" = "$3" ] || fail "$1 \"$2\": status $code, \"$body\" instead of \"$3\""
}

# nw_expect_error NAME DATA STATUS CODE: the call fails as the table of errors says, naming function and request.
nw_expect_error() {
    nw_call "$1" "$2"
    [ "$code" = "$3" ] || fail "$1 \"$2\": status $code instead of $3: $body"
    nw_is_error "$body" "$4"
    [ "$("$JSON" error.function <<<"$body")" = "$1" ] || fail "the error does not name $1: $body"
}

# nw_is_error BODY CODE: a JSON error with this code, a message and a request id.
nw_is_error() {
    [ "$("$JSON" error.code <<<"$1")" = "$2" ] || fail "not an error with code $2: $1"
    [ -n "$("$JSON" error.message <<<"$1")" ] || fail "no message: $1"
    [ -n "$("$JSON" error.request_id <<<"$1")" ] || fail "no request id: $1"
}

nw_answers() {
    nw_call "$1" "$2"
    [ "$code" = 200 ]
}

# nw_version NAME: what `list` says is deployed.
nw_version() {
    nw_admin "/v1/functions/$1" | "$JSON" version
}

# --- load in the background ------------------------------------------------------------------------------------------

# nw_load ARGUMENTS: starts the load client and waits until it gets answers; nw_load_end stops it and fails if any
# response was not right.
nw_load() {
    "$LOAD" --seconds 60 "$@" >"$BATS_TEST_TMPDIR/load.out" 2>&1 3>&- &
    NW_LOAD_PID=$!
    nw_poll "$NW_PATIENCE" grep -q running "$BATS_TEST_TMPDIR/load.out" ||
        fail "the load gets no answer:" "$(tail -n 20 "$BATS_TEST_TMPDIR/load.out")"
}

nw_load_end() {
    local status=0
    [ -n "${NW_LOAD_PID:-}" ] || return 0
    kill -TERM "$NW_LOAD_PID" 2>/dev/null || true
    wait "$NW_LOAD_PID" || status=$?
    unset NW_LOAD_PID
    [ "$status" = 0 ] || fail "load ended with status $status:" "$(tail -n 20 "$BATS_TEST_TMPDIR/load.out")"
}

# HOST:PORT of the gateway, as the load client takes it.
nw_address() {
    echo "${NW_URL#http://}"
}

# --- functions made by a test ----------------------------------------------------------------------------------------

# nw_compile NAME.c|NAME.cc [FLAGS]: compiles standard input to $BATS_TEST_TMPDIR/NAME.so, outside the tree and with
# nothing of it but the public headers for functions.
nw_compile() {
    local source=$BATS_TEST_TMPDIR/$1 compiler=$CC
    [[ $1 != *.cc ]] || compiler=$CXX
    mkdir -p "$BATS_TEST_TMPDIR/header/faas" "$BATS_TEST_TMPDIR/header/nightward"
    cp "$NW_ROOT/include/faas/worker_v1_interface.h" "$BATS_TEST_TMPDIR/header/faas/"
    cp "$NW_ROOT"/include/nightward/function.h* "$BATS_TEST_TMPDIR/header/nightward/"
    cat >"$source"
    (cd "$BATS_TEST_TMPDIR" && "$compiler" -O1 -fPIC -shared -Iheader -o "${source%.*}.so" "$source" "${@:2}")
}
