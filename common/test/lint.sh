#!/usr/bin/env bash
# `make lint`: every C file is as clang-format writes it, and clang-tidy finds nothing in the programs (.clang-format,
# .clang-tidy): lint.sh COMPILER_FLAG... Changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

status=0
git ls-files '*.c' '*.h' '*.cc' | xargs clang-format-14 --dry-run -Werror || status=1

# Tests do on purpose what clang-tidy warns of. What it says on stderr is how many warnings it left out.
git ls-files '*.c' ':!*/test/*' ':!functions/compat' |
    xargs -P "$(nproc)" -I{} bash -c 'clang-tidy-14 --quiet {} -- "$@" 2>/dev/null' lint "$@" || status=1
exit "$status"
