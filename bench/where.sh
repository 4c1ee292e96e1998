#!/usr/bin/env bash
# Takes the time of an HTTP invocation apart: bench/where.sh [BUILD]. First what one request on one connection waits for,
# by the system calls of client, engine and worker (perf's trace points); then what processor time a request takes at 32
# connections, by where perf's samples fell. Needs perf (package linux-perf), root, and wrk.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export NW_BUILD=${1:-$root/build}
source "$root/bench/lib/host.sh"
trap host_cleanup EXIT

readonly SAMPLES=1000 # a second: many more would show in what is measured

# load CONNECTIONS SECONDS: in the background; its pid is in CLIENT.
load() {
    wrk -t1 -c"$1" -d"$2" --latency -s "$root/bench/lib/wrk.lua" "$HOST_URL/function/noop" >"$HOST_WORK/wrk" &
    CLIENT=$!
    sleep 0.5 # until it is in its stride: nothing is asserted about it
}

# cpu_ns PID: processor time that its threads took.
cpu_ns() {
    cat "/proc/$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

trace_one_connection() {
    local calls=io_uring_enter,write,read,epoll_wait events='' call p50
    for call in ${calls//,/ }; do events+="syscalls:sys_enter_$call,syscalls:sys_exit_$call,"; done
    load 1 2
    wait "$CLIENT"
    p50=$(field p50 "$(tail -n 1 "$HOST_WORK/wrk")")
    load 1 3
    perf record -q -e "${events%,}" -o "$HOST_WORK/trace" -p "$ENGINE,$WORKER,$CLIENT" -- sleep 1
    wait "$CLIENT"
    echo "One connection, p50 $p50 us; medians while each system call is traced, which takes time itself:"
    perf script -i "$HOST_WORK/trace" -F comm,time,event --ns 2>/dev/null | awk -f "$root/bench/report/where_waits.awk"
}

sample_many_connections() {
    local engine worker n
    load 32 5
    perf record -q -F "$SAMPLES" -g -o "$HOST_WORK/samples" -p "$ENGINE,$WORKER" -- sleep 3
    wait "$CLIENT"
    load 32 4
    engine=$(cpu_ns "$ENGINE") worker=$(cpu_ns "$WORKER") n=$(served)
    wait "$CLIENT"
    engine=$(($(cpu_ns "$ENGINE") - engine)) worker=$(($(cpu_ns "$WORKER") - worker)) n=$(($(served) - n))
    echo "32 connections, $(field rate "$(tail -n 1 "$HOST_WORK/wrk")") requests/s:"
    perf script -i "$HOST_WORK/samples" -F comm,ip,sym,dso 2>/dev/null |
        awk -v engine=$((engine / n)) -v worker=$((worker / n)) -f "$root/bench/report/where_cpu.awk"
}

# served: requests until now.
served() {
    host_status | sed -n 's/.*"requests":\([0-9]*\).*/\1/p'
}

command -v perf >/dev/null || { echo 'bench/where.sh: perf is not installed (package linux-perf)' >&2; exit 1; }
host_up mpk --workers 1 --io uring # whose system calls the table of waits knows
host_deploy noop
host_pids
trace_one_connection
sample_many_connections
