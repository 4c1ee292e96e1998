#!/usr/bin/env bash
# Shows what Nightward is, on this machine, in a minute: starts it, deploys the sample functions, calls them, lets one
# crash beside another, and measures a nested call in each isolation mode. `make demo` builds first. Leaves nothing.
set -euo pipefail
source "$(dirname "$0")/../bench/lib/host.sh"

if [ -t 1 ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' green='' red='' plain=''
fi

NEIGHBOUR_PID=

cleanup() {
    [ -z "$NEIGHBOUR_PID" ] || kill "$NEIGHBOUR_PID" 2>/dev/null || true
    host_cleanup
}
trap cleanup EXIT

heading() {
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

explain() {
    printf '%s%s%s\n' "$dim" "$1" "$plain"
}

# show COMMAND...: prints the command as a user would type it, then runs it with its output indented.
show() {
    printf '  %s$ %s%s\n' "$green" "$(typed "$@")" "$plain"
    "$@" 2>&1 | sed -e 's/^/    /' -e "\$a\\"
}

typed() {
    local word text=
    for word in "$@"; do
        word=${word#"$NW_BUILD/bin/"}
        word=${word/#"$NW_BUILD"/build}
        [[ $word != *' '* ]] || word="'$word'"
        text+="$word "
    done
    echo "${text% }"
}

# call NAME DATA [CURL FLAGS]
call() {
    show curl -sd "$2" "${@:3}" "$HOST_URL/function/$1"
}

break_fault() {
    call fault "$1" -w 'HTTP status %{http_code}\n'
}

# Calls hello again and again until the file $HOST_WORK/enough is there; counts right and wrong answers.
neighbour() {
    local right=0 wrong=0
    while [ ! -e "$HOST_WORK/enough" ]; do
        if [ "$(curl -sS --max-time 5 -d neighbour "$HOST_URL/function/hello" 2>&1)" = 'Hello, neighbour!' ]; then
            right=$((right + 1))
        else
            wrong=$((wrong + 1))
        fi
    done
    echo "$right $wrong" >"$HOST_WORK/neighbour"
}

show_start() {
    heading "1. Start"
    explain "One command, no configuration, no root: an engine that speaks HTTP, a launcher, and workers."
    printf '  %s$ nightward up --listen 127.0.0.1:0%s\n' "$green" "$plain"
    host_up auto
    sed 's/^/    /' "$HOST_WORK/log"
}

show_functions() {
    local name
    heading "2. Deploy and call functions"
    explain "A function is a shared object. It gets a domain of its own: ld.so, libc, heap, stacks, protection key."
    for name in hello echo foo bar chain cpp digest fault noop callbench; do
        show "$NIGHTWARD" deploy "$NW_BUILD/functions/$name"
    done
    call hello Ada
    call digest Ada
    call cpp 'to be or not to be'
    explain "foo calls bar, and chain calls itself: nested calls go through the gate, not through HTTP."
    call foo night
    call chain 5
}

show_containment() {
    local right wrong
    heading "3. One function fails, its neighbour does not notice"
    explain "While fault misbehaves, hello is called all the time."
    neighbour &
    NEIGHBOUR_PID=$!
    break_fault segv
    break_fault overflow
    break_fault loop
    break_fault oom
    break_fault 'syscall ptrace'
    explain "And fault itself answers again:"
    call fault ok
    touch "$HOST_WORK/enough"
    wait "$NEIGHBOUR_PID"
    NEIGHBOUR_PID=
    read -r right wrong <"$HOST_WORK/neighbour"
    [ "$wrong" = 0 ] || { printf '%s' "$red"; }
    printf '  hello was called %d times meanwhile: %d right answers, %d wrong%s\n' \
        $((right + wrong)) "$right" "$wrong" "$plain"
    [ "$wrong" = 0 ]
}

microseconds() {
    awk -v ns="$1" 'BEGIN { printf "%.2f us", ns / 1000 }'
}

# measure MODE: one row of the table. Calls through the engine take longer, so there are fewer of them.
measure() {
    local mode=$1 count=200000 call http
    [ "$mode" != process ] || count=5000
    host_up "$mode"
    host_deploy hello noop callbench
    call=$(nested "$count" 64)
    http=$(round_trip 1 2)
    printf '  %-9s %14s %14s %14s %14s\n' "$mode" \
        "$(microseconds "$(field p50 "$call")")" "$(microseconds "$(field p99 "$call")")" \
        "$(field p50 "$http") us" "$(field p99 "$http") us"
    host_down
}

show_times() {
    local mode
    heading "4. What a call costs"
    explain "mpk: through the gate, one process, a key for each function. none: the same without keys, to compare."
    explain "process: a process for each function, every nested call goes through the engine."
    host_down
    printf '  %-9s %29s %29s\n' '' "nested call, 64 bytes" "HTTP round trip of hello"
    printf '  %-9s %14s %14s %14s %14s\n' mode p50 p99 p50 p99
    for mode in $(modes); do
        measure "$mode"
    done
}

printf '%sNightward%s runs functions, native shared objects, behind hardware protection keys in one process.\n' \
    "$bold" "$plain"
show_start
show_functions
show_containment
show_times
heading "Everything is stopped. Write your own: README.md has a function in ten lines of C."
