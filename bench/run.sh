#!/usr/bin/env bash
# Runs the benchmarks, prints a summary and writes build/bench/results.json: an array of {name, unit, p50, p99, p999, n}.
# Everything takes turns for several rounds, so that a slow minute of the machine does not fall on one benchmark alone:
# build/bench/micro (single parts and a worker by itself), then whole Nightwards: HTTP in the mode that `auto` takes, and
# nested calls through the engine in mode process.
#
# BENCH=quick takes under 45 s instead of under 4 minutes; its tails are rough.
set -euo pipefail
source "$(dirname "$0")/lib/host.sh"
trap host_cleanup EXIT

case ${BENCH:-full} in
full) rounds=3 seconds=3 repetitions=3 least=0.05 ;;
quick) rounds=1 seconds=1 repetitions=3 least=0.01 ;;
*)
    echo "bench: BENCH=$BENCH is neither full nor quick" >&2
    exit 2
    ;;
esac
export NW_BUILD
table=$HOST_WORK/results.tsv
results=$NW_BUILD/bench/results.json

# record NAME UNIT LINE
record() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(field p50 "$3")" "$(field p99 "$3")" "$(field p999 "$3")" \
        "$(field n "$3")" >>"$table"
}

micro() {
    "$NW_BUILD/bench/micro" "$table" --benchmark_min_time="$least" --benchmark_repetitions="$repetitions" \
        --benchmark_enable_random_interleaving=true 2>"$HOST_WORK/micro" || {
        cat "$HOST_WORK/micro" >&2
        return 1
    }
    cat "$HOST_WORK/micro" >>"$HOST_WORK/skipped"
}

# http NAME CONNECTIONS FUNCTION [SIZE]: the throughput goes into the results too, as a rate in each of its columns.
http() {
    local line rate
    line=$(round_trip "$2" "$seconds" "$3" "${4:-}")
    rate=$(field rate "$line")
    record "http/$1/c$2" us "$line"
    record "http_rate/$1/c$2" 1/s "p50=$rate p99=$rate p999=$rate n=$(field n "$line")"
    [ "$(field errors "$line")" = 0 ] || echo "http/$1/c$2: $line" >>"$HOST_WORK/errors"
}

over_http() {
    local connections
    host_up auto
    host_deploy hello noop echo
    for connections in 1 8 32 64; do
        http hello "$connections" hello
        http noop "$connections" noop
        http echo "$connections" echo 1024
    done
    http echo_1m 1 echo 1048576
    host_down
}

through_the_engine() {
    local size
    host_up process
    host_deploy noop callbench
    for size in 0 64 256 1024 4096 65536 1048576; do
        record "nested_call/process/$size" ns "$(nested $((size < 65536 ? 2000 : 300)) "$size")"
    done
    host_down
}

mkdir -p "$NW_BUILD/bench"
: >"$table"
: >"$HOST_WORK/skipped"
: >"$HOST_WORK/errors"
for ((round = 1; round <= rounds; round++)); do
    printf 'round %d of %d\n' "$round" "$rounds" >&2
    micro
    over_http
    through_the_engine
done
printf '%s, Linux %s, %d CPUs; %d rounds; the median of all runs, in brackets the least and the greatest p50\n\n' \
    "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r)" "$(nproc)" "$rounds"
sort -V "$table" | awk -v json="$results.new" -f "$NW_ROOT/bench/report/results.awk"
mv "$results.new" "$results"
sort -u "$HOST_WORK/skipped"
cat "$HOST_WORK/errors" >&2
echo "results: $results"
[ ! -s "$HOST_WORK/errors" ]
