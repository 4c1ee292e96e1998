#!/usr/bin/env bash
# Compares the engine's event loops: bench/io.sh [ROUNDS [SECONDS]]. Two hosts run side by side, one with each, and nginx
# if it is there, on a configuration of its own that answers everything with a few bytes. Each round loads one after the
# other; shown are medians over the rounds, the range of requests/s, and the CPU time of the engine for each request.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "${NW_BUILD:-$root/build}" && pwd)
rounds=${1:-5} seconds=${2:-2}
work=$(mktemp -d "${TMPDIR:-/tmp}/nightward-io.XXXXXX")
declare -A pids urls

finish() {
    [ -z "${pids[*]}" ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap finish EXIT

# host IO: starts one and deploys what is called.
host() {
    local tries
    "$build/bin/nightward" up --listen 127.0.0.1:0 --state "$work/$1" --io "$1" >"$work/$1.log" 2>&1 &
    pids[$1]=$!
    for ((tries = 0; tries < 500; tries++)); do
        urls[$1]=$(sed -n 's/.*ready on //p' "$work/$1.log")
        [ -z "${urls[$1]}" ] || break
        sleep 0.02
    done
    for function in hello echo; do
        "$build/bin/nightward" deploy "$build/functions/$function" --state "$work/$1" >/dev/null
    done
}

# The configuration names a free port as well as a shell can find one.
nginx_up() {
    local port=$((20000 + RANDOM % 10000))
    cat >"$work/nginx.conf" <<EOF
daemon off; pid $work/nginx.pid; error_log $work/nginx.log; worker_processes 1;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; server { listen 127.0.0.1:$port; location / { return 200 "Hello\n"; } } }
EOF
    nginx -c "$work/nginx.conf" 2>/dev/null &
    pids[nginx]=$!
    urls[nginx]=http://127.0.0.1:$port
}

# cpu NAME: clock ticks that the engine has used so far.
cpu() {
    local engine
    engine=$(pgrep -P "${pids[$1]}" nightward-engi) || { echo 0; return; }
    awk '{ print $14 + $15 }' "/proc/$engine/stat"
}

# measure NAME CASE CONNECTIONS FUNCTION BYTES: a line "case name requests/s p50 p99 cpu-us"
measure() {
    local before after
    printf 'wrk.method = "POST"; wrk.body = string.rep("x", %d)\n' "$5" >"$work/post.lua"
    before=$(cpu "$1")
    wrk -t1 -c"$3" -d"${seconds}s" --latency -s "$work/post.lua" "${urls[$1]}/function/$4" >"$work/out"
    after=$(cpu "$1")
    awk -v label="$2 $1" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '
        function us(t) { return t * (t ~ /us$/ ? 1 : t ~ /ms$/ ? 1000 : 1000000) }
        $1 == "50%" { p50 = us($2) }
        $1 == "99%" { p99 = us($2) }
        /requests in/ { n = $1 }
        /Requests\/sec/ { rate = $2 }
        /Non-2xx/ { print "errors: " label > "/dev/stderr" }
        END { print label, rate, p50, p99, n ? ticks * 1000000 / hz / n : 0 }' "$work/out" >>"$work/results"
}

summary() {
    sort "$work/results" | awk '
        function median(field, i, j, swap, t, v) {
            for (i = 1; i <= n; i++) { split(rows[i], t, " "); v[i] = t[field] + 0 }
            for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { swap = v[j]; v[j] = v[j - 1]; v[j - 1] = swap }
            low = v[1]; high = v[n]
            return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
        }
        function show(rate) {
            rate = median(3)
            printf "%-14s %-6s %8.0f (%.0f to %.0f)  p50 %.0f us  p99 %.0f us", at[1], at[2], rate, low, high, median(4), median(5)
            print at[2] == "nginx" ? "" : sprintf("  engine CPU %.1f us", median(6))
        }
        n && ($1 != at[1] || $2 != at[2]) { show(); n = 0 }
        { at[1] = $1; at[2] = $2; rows[++n] = $0 }
        END { show() }'
}

host uv
host uring
names='uv uring'
if command -v nginx >/dev/null; then
    nginx_up
    names+=' nginx'
fi
for ((round = 0; round < rounds; round++)); do
    for connections in 1 32 64; do
        for name in $names; do measure "$name" "hello/c$connections" "$connections" hello 1; done
    done
    for connections in 1 32; do
        for name in uv uring; do measure "$name" "echo-1M/c$connections" "$connections" echo 1048576; done
    done
done
summary
