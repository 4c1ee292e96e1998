#!/usr/bin/env bash
# Draws docs/scaling.svg, how many calls are cold by how many functions have room, from build/bench/simulate, and prints the table
# of docs/scaling.md. Takes a minute or two. Needs gnuplot (Debian package gnuplot-nox).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${NW_BUILD:-build}
data=$(mktemp)
trap 'rm -f "$data"' EXIT

"$build/bench/simulate" plot >"$data"
gnuplot <<G
set terminal svg size 760,360 dynamic font "sans-serif,13" background "white"
set output "docs/scaling.svg"
set logscale x
set xrange [90:60000]
set yrange [0:80]
set xlabel "functions that have room to be warm, of 100,000"
set ylabel "cold calls"
set format y "%g%%"
set xtics ("100" 100, "400" 400, "1,600" 1600, "6,400" 6400, "25,600" 25600, "51,200" 51200)
set grid ytics lc rgb "#dddddd"
set border 3 lc rgb "#888888"
set tics nomirror
set key top right
plot "$data" using 1:2 with linespoints lw 2 pt 7 ps 0.6 lc rgb "#2b6cb0" title "Zipf 0.99", \
     "$data" using 1:3 with linespoints lw 2 pt 7 ps 0.6 lc rgb "#38a169" title "diurnal", \
     "$data" using 1:4 with linespoints lw 2 pt 7 ps 0.6 lc rgb "#c05621" title "flash crowd"
G
"$build/bench/simulate" table
