# shellcheck shell=bash
# Sourced by bench/run.sh and deploy/demo.sh: one Nightward in the background on a free port and a state directory of
# its own, and the two measurements that both show. NW_BUILD says where the programs are.

NW_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NW_BUILD=$(cd "${NW_BUILD:-$NW_ROOT/build}" && pwd)
NIGHTWARD=$NW_BUILD/bin/nightward
HOST_PID=
HOST_WORK=$(mktemp -d "${TMPDIR:-/tmp}/nightward.XXXXXX")
export NIGHTWARD_STATE=$HOST_WORK/state

# host_up MODE [FLAGS]: starts and waits until it is ready. Sets HOST_URL; the log is $HOST_WORK/log.
host_up() {
    local mode=$1 tries
    shift
    : >"$HOST_WORK/log"
    "$NIGHTWARD" up --listen 127.0.0.1:0 --state "$NIGHTWARD_STATE" --isolation "$mode" \
        --allow-no-isolation "$@" >"$HOST_WORK/log" 2>&1 </dev/null &
    HOST_PID=$!
    for ((tries = 0; tries < 500; tries++)); do
        kill -0 "$HOST_PID" 2>/dev/null || break
        host_ready && return 0
        sleep 0.02
    done
    echo "nightward up --isolation $mode did not get ready:" >&2
    cat "$HOST_WORK/log" >&2
    host_down
    return 1
}

# host_status: what the host says of itself, on one line without blanks.
host_status() {
    "$NIGHTWARD" status --json | tr -d ' \n\t'
}

# host_pids: sets ENGINE and WORKER, the first one.
host_pids() {
    local status
    status=$(host_status)
    ENGINE=$(sed -n 's/^{"pid":\([0-9]*\).*/\1/p' <<<"$status")
    WORKER=$(sed -n 's/.*"workers":\[[^]]*"pid":\([0-9]*\).*/\1/p' <<<"$status")
}

host_ready() {
    local status
    status=$(host_status 2>/dev/null) || return 1
    HOST_URL=http://$(sed -n 's/.*"listen":\["\([^"]*\)".*/\1/p' <<<"$status")
    curl -sf --max-time 2 -o /dev/null "$HOST_URL/readyz"
}

# host_down: SIGTERM, then waits for it to end.
host_down() {
    [ -n "$HOST_PID" ] || return 0
    kill -TERM "$HOST_PID" 2>/dev/null || true
    wait "$HOST_PID" || true
    HOST_PID=
}

# For the caller's EXIT trap.
host_cleanup() {
    host_down
    rm -rf "$HOST_WORK"
}

host_deploy() {
    local name
    for name in "$@"; do
        "$NIGHTWARD" deploy "$NW_BUILD/functions/$name" >/dev/null
    done
}

# field NAME LINE: the number of NAME=NUMBER.
field() {
    sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p" <<<"$2"
}

# nested COUNT SIZE: one line "p50=.. p99=.. p999=.. min=.. clock=.. n=..", in nanoseconds, of one nested call.
nested() {
    curl -sS --fail-with-body --max-time 60 -d "$1 $2" "$HOST_URL/function/callbench" | grep '^p50='
}

# round_trip CONNECTIONS SECONDS [FUNCTION [SIZE]]: one line "p50=.. p99=.. p999=.. n=.. rate=.. errors=..", in
# microseconds, of hello or FUNCTION with the body "wrk" or one of SIZE bytes.
round_trip() {
    NW_WRK_SIZE=${4:-} wrk -t1 -c"$1" -d"$2s" -s "$NW_ROOT/bench/lib/wrk.lua" "$HOST_URL/function/${3:-hello}" |
        grep '^p50='
}

# The isolation modes that this machine can run, for `for mode in $(modes)`.
modes() {
    local mode
    for mode in mpk process none; do
        if (host_up "$mode" && host_down) >/dev/null 2>&1; then
            echo "$mode"
        else
            echo "mode $mode cannot run here and is left out" >&2
        fi
    done
}
