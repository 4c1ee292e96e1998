#!/usr/bin/env bash
# Writes docs/reference/compatibility.md to standard output, from rows.txt and from what compat.bats found:
# table.sh RESULTS.
# RESULTS is a folder with a file for each mode, which has a line for each row tried: ID, version and result, separated
# by tabs. What the modes do not agree on is an error.
set -euo pipefail

# rows: ID|name|settings|tried|differs
rows() {
    awk -F'|' -v OFS='|' '!/^#/ && NF { for (i = 1; i <= NF; i++) gsub(/^ +| +$/, "", $i); print $1, $2, $4, $5, $6 }' \
        "$(dirname "$0")/rows.txt"
}

# found ID RESULTS: version and result
found() {
    local lines
    lines=$(sed -n "s/^$1\t//p" "$2"/* | sort -u)
    [[ $lines != *$'\n'* ]] || { printf '%s: %s came out differently by mode:\n%s\n' "$0" "$1" "$lines" >&2; return 1; }
    printf '%s\n' "${lines:-$'-\tnot tried'}"
}

cat <<'END'
# Compatibility

Written by `make docs/reference/compatibility.md` from `functions/compat/rows.txt` and from what came of trying each row
in every isolation mode; do not edit. `make check` tries again those whose packages are installed and fails where this
table says something else; `make check-compat` installs the packages first. The versions are those that the table was
written with.

Settings are those of `nightward deploy`. `DIR` stands for a folder of the host, `PORT` for the port of a server there,
`PYTHON` for the folder of Python's library.

| library or client | version | settings | tried | result | what differs |
| --- | --- | --- | --- | --- | --- |
END
rows | while IFS='|' read -r id name settings tried differs; do
    line=$(found "$id" "$1")
    printf '| %s | %s | %s | %s | %s | %s |\n' \
        "$name" "${line%$'\t'*}" "${settings:+\`$settings\`}" "$tried" "${line#*$'\t'}" "$differs"
done
