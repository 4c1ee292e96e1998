# shellcheck shell=bash
# Sourced by bench/scale, after scale.sh: the groups of lines that are about memory, processes and what is idle.

# pss PID...: their proportional share of memory with page tables, in KiB. Nothing when it may not be read.
pss() {
    local pid files=()
    for pid in "$@"; do files+=("/proc/$pid/smaps_rollup" "/proc/$pid/status"); done
    cat "${files[@]}" 2>/dev/null | awk '/^(Pss|VmPTE):/ { sum += $2; seen++ } END { if (seen) print sum }'
}

# held PID: memory of files that live in memory alone and that it holds open, in KiB.
held() {
    local fd total=0 blocks
    for fd in /proc/"$1"/fd/*; do
        [[ $(readlink "$fd") == /memfd:* ]] || continue
        blocks=$(stat -L -c %b "$fd" 2>/dev/null) || continue
        total=$((total + blocks / 2))
    done
    echo "$total"
}

workers_pss() {
    local pids
    mapfile -t pids < <(worker_pids)
    pss "${pids[@]}"
}

# --- a domain that is there and idle, and one that is not there ----------------------------------------------------------

group_memory() {
    local mode one all
    mode=$(best_mode)
    # All in one worker: what a further worker takes is a line of its own.
    fresh_host "$mode" --workers 1..1 || { skip memory/resident "$(why_no_host)"; return 0; }
    deploy_many 0 1 >/dev/null && settle 1
    one=$(workers_pss)
    [ "$one" ] || { skip memory/resident 'the memory of a worker may not be read: only root may'; return 0; }
    deploy_many 1 "$((RESIDENT - 1))" >/dev/null || { skip memory/resident "$(refused)"; return 0; }
    settle "$RESIDENT"
    all=$(workers_pss)
    record memory/resident "$(divide "$((all - one))" "$((RESIDENT - 1))")"
    host_down
    host_up "$mode" --workers 1..1 2>"$HOST_WORK/up.err" || { skip memory/cold "$(why_no_host)"; return 0; }
    settle 1
    all=$(workers_pss)
    record memory/cold "$(divide "$((all > one ? all - one : 0))" "$((RESIDENT - 1))")"
}

# --- many deployed ------------------------------------------------------------------------------------------------------

is_ready() {
    curl -sf --max-time 2 -o /dev/null "$HOST_URL/readyz"
}

# until_ready SECONDS COMMAND...: runs it until it succeeds.
until_succeeds() {
    local end=$(($(now_us) + $1 * 1000000))
    shift
    until "$@"; do
        (($(now_us) < end)) || return 1
        sleep 0.005
    done
}

engine_memory() {
    host_pids
    local own
    own=$(pss "$ENGINE")
    [ -z "$own" ] || echo $((own + $(held "$ENGINE")))
}

# kill_engine: the host starts another one; prints the seconds until that is ready.
kill_engine() {
    local start
    host_pids
    start=$(now_us)
    kill -KILL "$ENGINE"
    until_succeeds 5 engine_is_gone || true
    until_succeeds 300 is_ready || return 1
    seconds_since "$start"
}

engine_is_gone() {
    ! [ -d "/proc/$ENGINE" ]
}

# What deploying leaves loaded goes soon, or all would have to fit into memory at once.
group_deployed() {
    local mode few many line seconds
    mode=$(best_mode)
    fresh_host "$mode" --idle 5s || { skip deployed/ready "$(why_no_host)"; return 0; }
    deploy_many 0 1 >/dev/null
    few=$(engine_memory)
    line=$(deploy_many 1 "$((DEPLOYED - 1))" 16) || {
        skip deployed/ready "$(field n "$line") of $DEPLOYED were deployed, then: $(refused)"
        return 0
    }
    record deployed/each "$(divide "$(field seconds "$line")" "$((DEPLOYED - 1))" 1000)"
    settle "$((DEPLOYED < FUNCTIONS ? DEPLOYED : FUNCTIONS))"
    seconds=$(kill_engine) || { skip deployed/ready 'no engine was ready within 300 s'; return 0; }
    record deployed/ready "$seconds"
    host_pids
    record deployed/ready-cpu "$(divide "$(cpu_ns "$ENGINE")" 1000000000)"
    many=$(engine_memory)
    [ -z "$many" ] || record deployed/memory "$(divide "$((many - few))" "$((DEPLOYED - 1))")"
    line=$("$NW_BUILD/bench/many_load" "${HOST_URL#http://}" "$DEPLOYED" 0.01 1 2)
    [ "$(field errors "$line")" = 0 ] || note "first answers of $DEPLOYED functions: $line"
    record deployed/first-p50 "$(divide "$(field p50 "$line")" 1000)"
    record deployed/first "$(divide "$(field p99 "$line")" 1000)"
}

# --- many workers -------------------------------------------------------------------------------------------------------

all_answer() {
    local line
    line=$("$NW_BUILD/bench/many_load" "${HOST_URL#http://}" "$WORKERS" turn 16 300 once) || return 1
    [ "$(field errors "$line") $(field wrong "$line")" = '0 0' ]
}

# count_in FOLDER
count_in() {
    find "$1" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l
}

# what_workers_take: "MEMORY ENGINE-MEMORY DESCRIPTORS MAPPINGS THREADS" of all workers, and of the engine for them.
what_workers_take() {
    local pid pids threads
    host_pids
    mapfile -t pids < <(worker_pids)
    threads=0
    for pid in "${pids[@]}"; do threads=$((threads + $(count_in "/proc/$pid/task"))); done
    echo "$(pss "${pids[@]}") $(engine_memory) $(count_in "/proc/$ENGINE/fd") $(wc -l <"/proc/$ENGINE/maps") $threads"
}

# record_each_worker FEW MANY: of what_workers_take, with one worker and with all.
record_each_worker() {
    local i few many names=(memory engine-memory descriptors mappings threads)
    read -ra few <<<"$1"
    read -ra many <<<"$2"
    if [ ${#few[@]} -lt 5 ] || [ ${#many[@]} -lt 5 ] || [ "$WORKERS" -lt 2 ]; then
        skip workers/memory 'what processes take may not be read: only root may'
        return 0
    fi
    for ((i = 0; i < 5; i++)); do
        record "workers/${names[i]}" "$(divide "$((many[i] - few[i]))" "$((WORKERS - 1))")"
    done
}

group_workers() {
    local start pids few
    fresh_host process || { skip workers/start "$(why_no_host)"; return 0; }
    deploy_many 0 1 1 slots=1 >/dev/null && settle 1
    few=$(what_workers_take)
    start=$(now_us)
    deploy_many 0 "$WORKERS" 16 slots=1 >"$HOST_WORK/deployed" || {
        skip workers/start "$(field n "$(cat "$HOST_WORK/deployed")") of $WORKERS were deployed, then: $(refused)"
        return 0
    }
    all_answer || { skip workers/start 'not all answered'; return 0; }
    record workers/start "$(seconds_since "$start")"
    record_each_worker "$few" "$(what_workers_take)"
    start=$(now_us)
    kill_engine >/dev/null || { skip workers/restart 'no engine was ready within 300 s'; return 0; }
    if until_succeeds 300 all_answer; then
        record workers/restart "$(seconds_since "$start")"
    else
        skip workers/restart 'not all answered within 300 s'
    fi
    pids=$(descendants "$HOST_PID")
    start=$(now_us)
    host_down
    # shellcheck disable=SC2086 # a list of process ids
    if ps -o pid= -p ${pids//$'\n'/,} >/dev/null; then
        skip workers/stop 'processes were left'
    else
        record workers/stop "$(seconds_since "$start")"
    fi
}

# --- nothing is called --------------------------------------------------------------------------------------------------

group_idle() {
    local before pids seconds=$((SECONDS_EACH * 5))
    fresh_host "$(best_mode)" || { skip idle/cpu "$(why_no_host)"; return 0; }
    deploy_many 0 "$FUNCTIONS" >"$HOST_WORK/deployed" ||
        note "idle: only $(field n "$(cat "$HOST_WORK/deployed")") of $FUNCTIONS were deployed: $(refused)"
    call_many 10 turn 1 5 once >/dev/null
    sleep 2 # what follows a deployment ends
    mapfile -t pids < <(descendants "$HOST_PID")
    before=$(cpu_ns "${pids[@]}")
    sleep "$seconds"
    record idle/cpu "$(divide "$(($(cpu_ns "${pids[@]}") - before))" "$((seconds * 1000000000))" 100)"
}
