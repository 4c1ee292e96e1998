#!/usr/bin/env bash
# Draws docs/performance.svg, the nested call by payload and mode, from build/bench/results.json or the file given.
# Needs gnuplot (Debian package gnuplot-nox).
set -euo pipefail
cd "$(dirname "$0")/.."
results=${1:-build/bench/results.json}
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT

# series PREFIX: "SIZE P50 P99" in nanoseconds, by size.
series() {
    sed -n "s|.*\"$1/\([0-9]*\)\".*\"p50\": \([0-9.e+]*\), \"p99\": \([0-9.e+]*\),.*|\1 \2 \3|p" "$results" | sort -n
}

for mode in mpk none process; do
    series "nested_call/$mode" | sed 's/^0 /16 /' >"$data/$mode"
done
floor=$(sed -n 's|.*"gate_floor".*"p50": \([0-9.]*\),.*|\1|p' "$results")

gnuplot <<G
set terminal svg size 760,440 dynamic font "sans-serif,13" background "white"
set output "docs/performance.svg"
set logscale xy
set xrange [12:1500000]
set yrange [50:1000000]
set xlabel "payload"
set ylabel "one nested call"
set xtics ("0 B" 16, "64 B" 64, "256 B" 256, "1 KiB" 1024, "4 KiB" 4096, "64 KiB" 65536, "1 MiB" 1048576)
set ytics ("100 ns" 100, "1 us" 1000, "10 us" 10000, "100 us" 100000, "1 ms" 1000000)
set grid ytics lc rgb "#dddddd"
set border 3 lc rgb "#888888"
set tics nomirror
set key top left Left reverse
plot "$data/process" using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb "#c05621" title "process, p50 (through the engine)", \
     "$data/process" using 1:3 with lines dt 2 lc rgb "#c05621" title "process, p99", \
     "$data/mpk" using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb "#2b6cb0" title "mpk, p50 (through the gate)", \
     "$data/mpk" using 1:3 with lines dt 2 lc rgb "#2b6cb0" title "mpk, p99", \
     "$data/none" using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb "#718096" title "none, p50", \
     $floor with lines lw 1 lc rgb "#38a169" title "four WRPKRU and two WRFSBASE"
G
