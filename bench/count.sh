#!/usr/bin/env bash
# Counts instructions, system calls and copies of an HTTP invocation and of a nested call, and compares with
# bench/count/counts.json: a guard against getting slower that no busy machine upsets. COUNT=write makes the counts the record.
# Exit status 77 without mode mpk; what else a machine cannot count is named
# and left out.
set -euo pipefail
source "$(dirname "$0")/lib/host.sh"
trap host_cleanup EXIT

# The record is one of mode mpk, and of libuv: it runs everywhere, and a tracer sees the bytes that its calls move.
if ! "$NW_BUILD/test/mode-usable"; then
    exit 77
fi
host_up mpk --workers 1 --io uv
host_deploy noop echo
"$NIGHTWARD" deploy inside "$NW_BUILD/bench/functions/inside.so" >/dev/null
host_pids
"$NW_BUILD/bench/count" "${HOST_URL#http://}" "$ENGINE" "$WORKER" "$NW_ROOT/bench/count/counts.json" \
    ${COUNT:+--"$COUNT"}
