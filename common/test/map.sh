#!/usr/bin/env bash
# docs/architecture.md, on standard output, with its map written anew from layers.txt. Run by `make docs/architecture.md`.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Functions and benchmarks have a row each, which stays as it is.
rows() {
    sed -nE 's/^(& )?((include|common|protect|worker|launcher|engine|deploy)(\/[a-z_/]+)?) {2,}(.*)$/| `\2\/` | \5 |/p' \
        common/test/layers.txt
}

awk -v rows="$(rows)" '
    /^## / { in_map = $0 == "## The map" }
    in_map && /^\| --- / { print; print rows; next }
    in_map && /^\| `(include|common|protect|worker|launcher|engine|deploy)\// { next }
    { print }' docs/architecture.md
