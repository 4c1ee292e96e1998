#!/usr/bin/env bash
# Runs fuzz targets: fuzz.sh BUILD_DIR PROGRAM..., each BUILD_DIR/fuzz/PART/NAME for FUZZ_SECONDS (60), beginning with the
# inputs in PART/fuzz/corpus/NAME. A line for each: inputs tried, edges of the program reached, inputs kept and found.
# An input that fails is left beside the program; what is new goes to BUILD_DIR/corpus/PART/NAME.
set -euo pipefail

build=$1
seconds=${FUZZ_SECONDS:-60}
passed=0 failed=0
shift

for program in "$@"; do
    label=${program#"$build"/fuzz/}
    kept=${label%/*}/fuzz/corpus/${label##*/}
    found=$build/corpus/$label
    log=$program.log
    dictionary=${label%/*}/fuzz/${label##*/}.dict
    mkdir -p "$found"
    flags=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$program.")
    [ ! -e "$dictionary" ] || flags+=(-dict="$dictionary")
    status=0
    "$program" "${flags[@]}" "$found" "$kept" >"$log" 2>&1 </dev/null || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/^#[0-9].* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    note="${runs:-0} runs, ${edges:-0} edges, $(find "$kept" -type f | wc -l) inputs kept, $(find "$found" -type f | wc -l) found"
    if [ "$status" -eq 0 ]; then
        printf 'ok    %-24s %s\n' "$label" "$note"
        passed=$((passed + 1))
    else
        printf 'FAIL  %-24s %s\n' "$label" "$note"
        tail -n 40 "$log" | sed 's/^/        | /'
        failed=$((failed + 1))
    fi
done
printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
