# shellcheck shell=bash
# Sourced by bench/compare: one load on one target at a time, and what it takes. Each measurement adds a line to $RAW:
# "ROUND LOAD TARGET UNIT p50 p99 p999 rate n errors cpu curve", tab-separated, "-" where there is none. Rates are in
# requests a second, `cpu` is microseconds of CPU time for each request (of all processes of the target), and
# `curve` is "PERCENT:VALUE,...".
#
# HTTP loads are POSTs with keep-alive: NAME/cN with N connections in a closed loop (wrk), open/RATE at a fixed rate.

# can KIND LOAD: whether targets of that kind take it.
can() {
    case $1:$2 in
    nightward:* | nightcore:*) true ;;
    pinned:noop/* | pinned:open/* | pinned:chain/*) true ;;
    through-engine:nested/*) true ;;
    url:noop/* | url:open/* | url:memory) true ;;
    echo:echo/*) true ;;
    *) false ;;
    esac
}

# record TARGET LOAD UNIT LINE [CPU]
record() {
    local name
    {
        printf '%s\t%s\t%s\t%s' "$ROUND" "$2" "$1" "$3"
        for name in p50 p99 p999 rate n errors; do printf '\t%s' "$(field "$name" "$4")"; done
        printf '\t%s\t%s\n' "${5:-}" "$(sed -n 's/.*curve=\([^ ]*\).*/\1/p' <<<"$4")"
    } | awk -F '\t' -v OFS='\t' '{ for (i = 1; i <= 12; i++) if ($i == "") $i = "-"; print }' >>"$RAW"
}

# path_of TARGET FUNCTION: its URL. Targets that are given by a URL have that one alone.
path_of() {
    case ${TARGET_KIND[$1]} in
    url | echo) echo "${TARGET_URL[$1]}" ;;
    *) echo "${TARGET_URL[$1]}/function/$2" ;;
    esac
}

# ticks TARGET: clock ticks that its processes have used so far; nothing when they are not known.
ticks() {
    local pids
    [ -n "${TARGET_PID[$1]}" ] || return 0
    # shellcheck disable=SC2086 # a list of process ids
    mapfile -t pids < <(processes ${TARGET_PID[$1]})
    cat "${pids[@]/%//stat}" 2>/dev/null | awk '{ sub(/.*\) /, ""); sum += $12 + $13 } END { print sum + 0 }'
}

# with_cpu TARGET LOAD COMMAND...: runs the command, records the line that it prints and the CPU time meanwhile.
with_cpu() {
    local target=$1 load=$2 before after line n cpu=
    shift 2
    before=$(cd /proc && ticks "$target")
    line=$("$@") || line='errors=1'
    after=$(cd /proc && ticks "$target")
    n=$(field n "$line")
    [ -z "$before" ] || [ "${n:-0}" = 0 ] ||
        cpu=$(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v n="$n" \
            'BEGIN { printf "%.2f", t * 1e6 / hz / n }')
    record "$target" "$load" us "$line" "$cpu"
}

# closed URL CONNECTIONS SIZE [BODY]
closed() {
    NW_WRK_SIZE=$3 NW_WRK_BODY=${4:-} wrk -t1 -c"$2" -d"${SECONDS_EACH}s" -s "$NW_ROOT/bench/lib/wrk.lua" "$1" | grep '^p50='
}

# nested_call URL COUNT SIZE: as callbench tells it, in microseconds.
nested_call() {
    curl -sS --fail-with-body --max-time 60 -d "$2 $3" "$1" | grep '^p50=' |
        awk '{
            for (i = 1; i <= NF; i++) {
                split($i, pair, "=")
                printf "%s=%s ", pair[1], pair[1] ~ /^p/ ? pair[2] / 1000 : pair[2]
            }
            print ""
        }'
}

# Fewer calls where each takes long.
nested_count() {
    local count=3000
    [ "${TARGET_KIND[$1]}" != nightward ] || count=20000
    [ "$2" -lt 65536 ] || count=$((count / 10))
    echo "$count"
}

# From starting the command that deploys a function, or nightcore's launcher, to its first answer.
cold_start() {
    local target=$1 address=${TARGET_URL[$1]#http://} line pid command
    export NIGHTWARD_STATE=${TARGET_STATE[$target]:-}
    command=("$NIGHTWARD" deploy cold "$NW_BUILD/functions/noop/noop.so")
    if [ "${TARGET_KIND[$target]}" = nightcore ]; then
        nightcore_launcher cold
        command=("${NIGHTCORE_COMMAND[@]}")
    fi
    line=$("$NW_BUILD/bench/first_answer" "$address" /function/cold "${command[@]}" 2>"$HOST_WORK/cold.log") || {
        tail -n 3 "$HOST_WORK/cold.log" >&2
        line='us= errors=1'
    }
    record "$target" cold us "${line/us=/p50=}"
    pid=$(field pid "$line")
    if [ "${TARGET_KIND[$target]}" = nightcore ]; then
        # shellcheck disable=SC2046 # a list of process ids
        stop_processes $(processes "${pid:-0}")
    else
        soon $$ gone "${pid:-0}"
        "$NIGHTWARD" remove cold >/dev/null 2>&1 || true
    fi
}

gone() {
    [ ! -d "/proc/$1" ]
}

# The proportional share of memory of all processes of a target.
memory() {
    local pids kib
    # shellcheck disable=SC2086 # a list of process ids
    mapfile -t pids < <(processes ${TARGET_PID[$1]})
    kib=$(cd /proc && cat "${pids[@]/%//smaps_rollup}" 2>/dev/null | awk '/^Pss:/ { sum += $2 } END { print sum }')
    record "$1" memory KiB "p50=$kib"
}

# idle SECONDS TARGET...: of all of them at the same time, in percent of one CPU.
idle() {
    local seconds=$1 target
    local -A before
    shift
    for target in "$@"; do before[$target]=$(cd /proc && ticks "$target"); done
    sleep "$seconds"
    for target in "$@"; do
        record "$target" idle % "p50=$(awk -v t=$(($(cd /proc && ticks "$target") - before[$target])) \
            -v hz="$(getconf CLK_TCK)" -v s="$seconds" 'BEGIN { printf "%.2f", t * 100 / hz / s }')"
    done
}

# measure TARGET LOAD
measure() {
    local number=${2#*/}
    case $2 in
    noop/c*) with_cpu "$1" "$2" closed "$(path_of "$1" noop)" "${number#c}" 1 ;;
    open/*) with_cpu "$1" "$2" "$NW_BUILD/bench/openloop" "$(path_of "$1" noop)" "$number" "$SECONDS_EACH" \
        "$OPEN_CONNECTIONS" 1 ;;
    echo/*) with_cpu "$1" "$2" closed "$(path_of "$1" echo)" 1 "$number" ;;
    chain/*) with_cpu "$1" "$2" closed "$(path_of "$1" chain)" 1 '' "$number" ;;
    nested/*) record "$1" "$2" us \
        "$(nested_call "$(path_of "$1" callbench)" "$(nested_count "$1" "$number")" "$number" || echo errors=1)" ;;
    cold) cold_start "$1" ;;
    memory) memory "$1" ;;
    esac
}
