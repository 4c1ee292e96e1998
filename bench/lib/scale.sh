# shellcheck shell=bash
# Sourced by bench/scale: the groups of lines that are about time; host.sh must have been sourced. A group records lines
# ("NAME VALUE", several times where loads took turns), or skips them by name with the reason. bench/lib/scale_targets.tsv
# says what each line is and what it should be.

# record NAME VALUE [UNIT]: the unit of what bench/lib/scale_targets.tsv does not name.
record() {
    printf '%s\tvalue\t%s\t%s\n' "$1" "$2" "${3:-x}" >>"$RAW"
}

# skip NAME REASON
skip() {
    printf '%s\tskipped\t%s\n' "$1" "$(tr '\n\t' '  ' <<<"$2" | cut -c 1-200)" >>"$RAW"
}

# note TEXT: something that went wrong beside what is measured.
note() {
    printf 'note\t%s\n' "$(tr '\n\t' '  ' <<<"$1" | cut -c 1-300)" >>"$HOST_WORK/notes"
}

scale_cleanup() {
    local child
    for child in $(jobs -p); do
        [ "$child" = "$HOST_PID" ] || kill "$child" 2>/dev/null || true
    done
    host_cleanup
}

# fresh_host MODE [FLAGS]: with nothing deployed. Status 1 when that mode cannot run.
fresh_host() {
    host_down
    rm -rf "$NIGHTWARD_STATE"
    host_up "$@" 2>"$HOST_WORK/up.err"
}

why_no_host() {
    grep -v '^$' "$HOST_WORK/up.err" | tail -n 1
}

# deploy_many FIRST COUNT [CONNECTIONS [SETTINGS]]: prints its line; status 1, and WHY in $HOST_WORK/refused, when one was refused.
deploy_many() {
    "$NW_BUILD/bench/deploy_many" "$NIGHTWARD_STATE/admin.sock" "$1" "$2" "${3:-4}" "${4:-}" 2>"$HOST_WORK/refused"
}

refused() {
    head -n 1 "$HOST_WORK/refused"
}

# call_many COUNT SPREAD CONNECTIONS SECONDS [RATE|once]: prints its line.
call_many() {
    local line
    line=$("$NW_BUILD/bench/many_load" "${HOST_URL#http://}" "$@") || line='errors=1 wrong=0'
    [ "$(field errors "$line")" = 0 ] || note "many_load $*: $line"
    [ "$(field wrong "$line")" = 0 ] || echo "many_load $*: $line" >>"$HOST_WORK/wrong"
    echo "$line"
}

# divide A B [FACTOR]; nothing where there is nothing to divide by
divide() {
    awk -v a="$1" -v b="$2" -v factor="${3:-1}" 'BEGIN { if (b > 0) printf "%.4g\n", a * factor / b }'
}

# less A B [FACTOR]
less() {
    awk -v a="$1" -v b="$2" -v factor="${3:-1}" 'BEGIN { printf "%.4g\n", (a - b) * factor }'
}

now_us() {
    echo "${EPOCHREALTIME/[.,]/}"
}

# seconds_since US
seconds_since() {
    awk -v us=$(($(now_us) - $1)) 'BEGIN { printf "%.3f\n", us / 1e6 }'
}

# descendants PID: it and all that descend from it.
descendants() {
    ps -eo pid=,ppid= | awk -v root="$1" '
        { parent[$1] = $2 }
        END {
            wanted[root]
            do {
                found = 0
                for (pid in parent) if (!(pid in wanted) && parent[pid] in wanted) { wanted[pid]; found = 1 }
            } while (found)
            for (pid in wanted) print pid
        }'
}

# cpu_ns PID...: processor time of all their threads.
cpu_ns() {
    local pid
    for pid in "$@"; do cat "/proc/$pid"/task/*/schedstat 2>/dev/null; done |
        awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# worker_pids: those of the host.
worker_pids() {
    host_status | sed 's/.*"workers":\[//; s/\],"counters".*//' | grep -o '"pid":[0-9]*' | cut -d: -f2
}

# --- N functions in turn, and as popular as Zipf says --------------------------------------------------------------------

# The numbers of functions that are called in turn, up to so many.
turns() {
    local n
    for n in 10 13 14 30 100; do [ "$n" -ge "$FUNCTIONS" ] || echo "$n"; done
    echo "$FUNCTIONS"
}

# settle COUNT: each is called, so that what comes after the first call is measured.
settle() {
    call_many "$1" turn 4 60 once >/dev/null
}

# in_turn MODE COUNT: sets `rate`, and records the processor time that engine, launcher and workers take for a request.
in_turn() {
    local line pids before
    mapfile -t pids < <(descendants "$HOST_PID")
    before=$(cpu_ns "${pids[@]}")
    line=$(call_many "$2" turn 16 "$SECONDS_EACH")
    rate=$(field rate "$line")
    record "spread/cpu/$2/$1" "$(divide "$(($(cpu_ns "${pids[@]}") - before))" "$(field n "$line")" 0.001)" us
}

# spread_round MODE COUNT: all loads once, one after the other.
spread_round() {
    local n rate ten='' thirteen=''
    for n in $(turns); do
        [ "$n" -le "$2" ] || continue
        in_turn "$1" "$n"
        [ "$n" != 10 ] || ten=$rate
        [ "$n" != 13 ] || thirteen=$rate
        [ "$n" = 10 ] || record "spread/turn/$n/$1" "$(divide "${rate:-0}" "${ten:-0}")"
        [ "$n" != 14 ] || record "spread/14-over-13/$1" "$(divide "${rate:-0}" "${thirteen:-0}")"
    done
    rate=$(field rate "$(call_many "$2" 0.99 16 "$SECONDS_EACH")")
    record "spread/zipf/$2/$1" "$(divide "${rate:-0}" "${ten:-0}")"
}

# deploy_for_spread MODE: as many as go, of FUNCTIONS; sets COUNT.
deploy_for_spread() {
    COUNT=$FUNCTIONS
    deploy_many 0 "$FUNCTIONS" 4 slots=2 >"$HOST_WORK/deployed" && return 0
    COUNT=$(field n "$(cat "$HOST_WORK/deployed")")
    skip "spread/turn/$FUNCTIONS/$1" "only $COUNT were deployed: $(refused)"
    skip "spread/zipf/$FUNCTIONS/$1" "only $COUNT were deployed: $(refused)"
    # Those that were refused are not always the last ones.
    [ "$FUNCTIONS" -le 100 ] || COUNT=100
    fresh_host "$1" && deploy_many 0 "$COUNT" 4 slots=2 >/dev/null
}

group_spread() {
    local mode round
    for mode in $MODES; do
        if ! fresh_host "$mode"; then
            skip "spread/turn/$FUNCTIONS/$mode" "$(why_no_host)"
            continue
        fi
        deploy_for_spread "$mode" || { skip "spread/turn/$COUNT/$mode" "$(refused)"; continue; }
        settle "$COUNT"
        for ((round = 1; round <= ROUNDS; round++)); do spread_round "$mode" "$COUNT"; done
    done
}

# --- HTTP beside a web server that calls nothing ---------------------------------------------------------------------------

# Requests a second of a function that does nothing, over those of nginx, which answers by itself; they take turns.
group_http() {
    local connections round rate
    for connections in wrk nginx; do
        command -v "$connections" >/dev/null || { skip http/c8 "$connections is not installed"; return 0; }
    done
    fresh_host "$(best_mode)" || { skip http/c8 "$(why_no_host)"; return 0; }
    host_deploy noop
    nginx_up || { skip http/c8 'nginx does not start'; return 0; }
    for ((round = 1; round <= ROUNDS; round++)); do
        for connections in 8 32 64; do
            rate=$(field rate "$(round_trip "$connections" "$SECONDS_EACH" noop 1)")
            record "http/c$connections" "$(divide "$rate" "$(field rate "$(HOST_URL=${TARGET_URL[nginx]%/} \
                round_trip "$connections" "$SECONDS_EACH" noop 1)")")"
        done
    done
    stop_processes "${TARGET_PID[nginx]}"
}

# --- one domain: a key taken from another one, its start ----------------------------------------------------------------------

# micro_p50 BENCHMARK: of bench/micro, in ns; nothing when it does not run here.
micro_p50() {
    local table=$HOST_WORK/micro.tsv
    : >"$table"
    "$NW_BUILD/bench/micro" "$table" --benchmark_filter="^$1" --benchmark_min_time=0.05 >"$HOST_WORK/micro" 2>&1 || true
    awk -F '\t' 'NR == 1 { print $3 }' "$table"
}

# worker_calls COUNT: system calls of the first worker while COUNT functions are called in turn, ten times each.
worker_calls() {
    local tracer turn
    strace -f -c -U calls -o "$HOST_WORK/strace" -p "$WORKER" 2>"$HOST_WORK/strace.err" &
    tracer=$!
    sleep 0.5 # until it is attached to all threads; a call that it misses makes the figure smaller by a hundredth
    for ((turn = 0; turn < 10; turn++)); do call_many "$1" turn 1 20 once >/dev/null; done
    kill -INT "$tracer" 2>/dev/null || true
    wait "$tracer" 2>/dev/null || true
    tail -n 1 "$HOST_WORK/strace" | grep -o '[0-9]*' | head -n 1
}

rekey_calls() {
    local without with
    command -v strace >/dev/null || { skip rekey/calls 'strace is not installed'; return 0; }
    fresh_host mpk --workers 1 || { skip rekey/calls "$(why_no_host)"; return 0; }
    deploy_many 0 16 4 slots=1 >/dev/null || { skip rekey/calls "$(refused)"; return 0; }
    settle 16
    host_pids
    without=$(worker_calls 8)
    with=$(worker_calls 16)
    if [ "${without:-0}" -gt 0 ] && [ "${with:-0}" -gt 0 ]; then
        record rekey/calls "$(less "$(divide "$with" 160)" "$(divide "$without" 80)")"
    else
        skip rekey/calls "$(tail -n 1 "$HOST_WORK/strace.err")"
    fi
}

group_rekey() {
    local miss
    miss=$(micro_p50 vkey/miss)
    if [ "$miss" ]; then
        record rekey/time "$(divide "$miss" 1000)"
        record rekey/over-hit "$(divide "$miss" "$(micro_p50 vkey/hit)")"
    else
        skip rekey/time "$(tail -n 1 "$HOST_WORK/micro")"
    fi
    rekey_calls
}

group_start() {
    local ns round
    for ((round = 1; round <= ROUNDS; round++)); do
        ns=$(micro_p50 domain_start/mpk)
        [ "$ns" ] || { skip start/domain "$(tail -n 1 "$HOST_WORK/micro")"; return 0; }
        record start/domain "$(divide "$ns" 1000000)"
    done
}

# --- the first call -----------------------------------------------------------------------------------------------------

# best_mode: mpk where it runs, else process.
best_mode() {
    if "$NW_BUILD/test/mode-usable" >/dev/null 2>&1; then echo mpk; else echo process; fi
}

# A host that has seen all functions before is started again; each is called once, then once more.
group_cold() {
    local mode cold warm
    mode=$(best_mode)
    fresh_host "$mode" || { skip cold/p50 "$(why_no_host)"; return 0; }
    deploy_many 0 "$RESIDENT" 4 slots=2 >/dev/null || { skip cold/p50 "$(refused)"; return 0; }
    settle "$RESIDENT"
    sleep 1 # what is written after a first call, such as a snapshot, may take a moment
    host_down
    host_up "$mode" 2>"$HOST_WORK/up.err" || { skip cold/p50 "$(why_no_host)"; return 0; }
    cold=$(call_many "$RESIDENT" turn 1 60 once)
    warm=$(call_many "$RESIDENT" turn 1 60 once)
    record cold/p50 "$(less "$(field p50 "$cold")" "$(field p50 "$warm")" 0.001)"
    record cold/p99 "$(divide "$(field p99 "$cold")" 1000)"
    record cold/over-warm "$(divide "$(field p50 "$cold")" "$(field p50 "$warm")")"
}

# --- deploy -------------------------------------------------------------------------------------------------------------

# syncs COMMAND...: how often the engine waits for a disk meanwhile; waits at the same time count once. What the command prints
# goes to $HOST_WORK/synced.
syncs() {
    local tracer
    strace -f -e trace=fsync,fdatasync,msync,syncfs -o "$HOST_WORK/strace" -p "$ENGINE" 2>"$HOST_WORK/strace.err" &
    tracer=$!
    sleep 0.3 # until it is attached; what it misses is seen by a smaller figure
    "$@" >"$HOST_WORK/synced" || true
    kill -INT "$tracer" 2>/dev/null || true
    wait "$tracer" 2>/dev/null || true
    awk '/sync[a-z]*\(/ { n += waiting == 0 } /sync[a-z]*\(.*<unfinished/ { waiting++ } /sync[a-z]* resumed>/ { waiting-- }
        END { print n + 0 }' "$HOST_WORK/strace"
}

deploy_syncs() {
    local number waits
    if ! command -v strace >/dev/null; then
        skip deployment/syncs 'strace is not installed'
        return 0
    fi
    host_pids
    # One by one: every so often a deployment has more written than itself.
    for ((number = 1000; number < 1005; number++)); do
        waits=$(syncs deploy_many "$number" 1 1)
        [ -s "$HOST_WORK/strace" ] || { skip deployment/syncs "no call seen: $(tail -n 1 "$HOST_WORK/strace.err")"; return 0; }
        record deployment/syncs "$waits"
    done
    record deployment/syncs-shared "$(divide "$(syncs deploy_many 2000 40 8)" 40)"
}

group_deployment() {
    local round line
    fresh_host "$(best_mode)" || { skip deployment/first-answer "$(why_no_host)"; return 0; }
    "$NW_BUILD/bench/variants" "$HOST_WORK" 0 "$((ROUNDS * 5))"
    for ((round = 0; round < ROUNDS * 5; round++)); do
        line=$("$NW_BUILD/bench/first_answer" "${HOST_URL#http://}" "/function/f$round" "$NIGHTWARD" deploy "f$round" \
            "$HOST_WORK/f$round.so" 2>"$HOST_WORK/refused") || { skip deployment/first-answer "$(refused)"; return 0; }
        record deployment/first-answer "$(divide "$(field us "$line")" 1000)"
    done
    deploy_syncs
}

# --- a fresh state for each invocation -------------------------------------------------------------------------------------

# faults_of COMMAND...: page faults of all workers meanwhile. What the command prints goes to $HOST_WORK/faulted.
faults_of() {
    local before
    before=$(worker_faults)
    "$@" >"$HOST_WORK/faulted" || true
    echo $(($(worker_faults) - before))
}

worker_faults() {
    local pid sum=0 fields
    for pid in $(worker_pids); do
        read -ra fields <"/proc/$pid/stat"
        sum=$((sum + fields[9]))
    done
    echo "$sum"
}

# fresh_round SETTING: the function deployed with it is called for a while. Sets $p50 and $faults, for each call.
fresh_round() {
    local faults_in_all
    deploy_many 0 1 1 "slots=1&$1" >/dev/null || return 1
    faults_in_all=$(faults_of call_many 1 turn 1 "$SECONDS_EACH")
    p50=$(field p50 "$(cat "$HOST_WORK/faulted")")
    faults=$(divide "$faults_in_all" "$(field n "$(cat "$HOST_WORK/faulted")")")
}

group_fresh() {
    local round p50 faults without_p50 without_faults
    fresh_host "$(best_mode)" || { skip fresh/cost "$(why_no_host)"; return 0; }
    deploy_many 0 1 1 'slots=1' >/dev/null || { skip fresh/cost "$(refused)"; return 0; }
    settle 1
    for ((round = 1; round <= ROUNDS; round++)); do
        fresh_round reset=fresh || { skip fresh/cost "$(refused)"; return 0; }
        without_p50=$p50 without_faults=$faults
        fresh_round fresh=true || { skip fresh/cost "$(refused)"; return 0; }
        record fresh/cost "$(less "$p50" "$without_p50")"
        record fresh/faults "$(less "$faults" "$without_faults")"
    done
}
