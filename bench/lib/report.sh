# shellcheck shell=bash
# Sourced by bench/compare and bench/tail: the views of what they left in one folder. There are about.tsv and results.tsv,
# which bench/compare writes, and tail.tsv, which bench/tail does; without one of them the views lack its part.

# draw FOLDER VIEW
draw() {
    local folder=$1 file files=()
    for file in about results tail; do
        [ -e "$folder/$file.tsv" ] && files+=("$folder/$file.tsv") || files+=(/dev/null)
    done
    awk -f "$NW_ROOT/bench/report/data.awk" -f "$NW_ROOT/bench/report/plot.awk" -f "$NW_ROOT/bench/report/mixes.awk" \
        -f "$NW_ROOT/bench/report/$2.awk" "${files[@]}"
}
