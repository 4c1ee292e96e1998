#!/usr/bin/env bash
# Runs the benchmarks and writes build/bench/results.json: an array of {name, unit, p50, p99, p999, n}. First single
# parts (build/bench/micro), then a whole Nightward in each mode that this machine has: nested calls and HTTP.
#
# NW_BENCH_SECONDS (default 3) is the time of each HTTP measurement.
set -euo pipefail
source "$(dirname "$0")/host.sh"
trap host_cleanup EXIT

seconds=${NW_BENCH_SECONDS:-3}
table=$HOST_WORK/results.tsv
results=$NW_BUILD/bench/results.json

# record NAME UNIT LINE
record() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(field p50 "$3")" "$(field p99 "$3")" "$(field p999 "$3")" \
        "$(field n "$3")" >>"$table"
    printf '%-28s p50 %10s %s   p99 %10s   p99.9 %10s   n %s\n' "$1" "$(field p50 "$3")" "$2" \
        "$(field p99 "$3")" "$(field p999 "$3")" "$(field n "$3")"
}

# In process mode a nested call passes through the engine, and large ones take their time: fewer of those.
calls() {
    local count=200000
    [ "$1" != process ] || count=5000
    [ "$2" -lt 65536 ] || count=2000
    echo "$count"
}

measure_mode() {
    local mode=$1 size connections line
    host_up "$mode"
    host_deploy hello noop callbench
    for size in 0 64 1024 65536 1048576; do
        line=$(nested "$(calls "$mode" "$size")" "$size")
        record "nested_call/$mode/$size" ns "$line"
    done
    for connections in 1 32; do
        line=$(round_trip "$connections" "$seconds")
        [ "$(field errors "$line")" = 0 ] || echo "hello in mode $mode, $connections connections: $line" >&2
        record "http/$mode/hello/c$connections" us "$line"
    done
    host_down
}

write_json() {
    awk -F'\t' '
        BEGIN { printf "[" }
        { printf "%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"p50\": %s, \"p99\": %s, \"p999\": %s, \"n\": %s}",
                 (NR > 1 ? "," : ""), $1, $2, $3, $4, $5, $6 }
        END { print "\n]" }' "$table" >"$results.new"
    mv "$results.new" "$results"
}

: >"$table"
"$NW_BUILD/bench/micro" "$table" --benchmark_min_time=0.2
for mode in $(modes); do
    measure_mode "$mode"
done
write_json
echo "results: $results"
