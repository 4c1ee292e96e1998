#!/bin/sh
# attacks.sh TABLE...: prints the tables of attacks as one, with the sum of their last lines.
set -eu
awk '
    FNR == 1 { if (NR == 1) print; next }
    /^[0-9]+ passed, / { p += $1; f += $3; s += $5; next }
    { print }
    END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$@"
