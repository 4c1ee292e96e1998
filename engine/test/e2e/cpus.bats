# Which CPUs the processes run on, read from /proc of every thread.

load helper

setup() {
    nw_require_mode
    first=$(cpus_of "$$" | sed 's/[-,].*//')
    last=$(cpus_of "$$" | sed 's/.*[-,]//')
    [ "$first" != "$last" ] || skip "this machine has one CPU for us"
    unset NW_STATE NW_PID
}

teardown() {
    nw_down
}

# cpus_of PID: the lists of all its threads, each once.
cpus_of() {
    awk '$1 == "Cpus_allowed_list:" { print $2 }' "/proc/$1"/task/*/status | sort -u
}

threads_of() {
    ls "/proc/$1/task" | wc -l
}

# runs_on PID LIST: every thread of it.
runs_on() {
    [ "$(cpus_of "$1")" = "$2" ] || fail "pid $1 runs on $(cpus_of "$1") instead of $2"
}

all_run_as_told() {
    local pid
    runs_on "$(nw_engine_pid)" "$first"
    runs_on "$(nw_launcher_pid)" "$last"
    for pid in $(nw_worker_pids); do
        runs_on "$pid" "$last"
    done
}

replaced() {
    nw_ready && [ "$($1 | head -n 1)" != "$2" ] && nw_answers hello Ada
}

@test "every thread of the engine and of the workers runs where it was told, also after a crash" {
    local worker engine
    nw_up --engine-cpus "$first" --worker-cpus "$last" --workers 2 --executors 3 --engine-threads 2
    nw_deploy_samples hello
    nw_expect hello Ada 'Hello, Ada!'
    worker=$(nw_worker_pids | head -n 1)
    engine=$(nw_engine_pid)
    [ "$(threads_of "$engine")" -gt 1 ]
    [ "$(threads_of "$worker")" -gt 3 ]
    all_run_as_told
    [ "$(nw_status cpus)" = "$first" ]
    [ "$(nw_status workers.0.cpus)" = "$last" ]
    [ "$(nw_status workers.1.cpus)" = "$last" ]
    kill -KILL "$worker"
    nw_poll "$NW_PATIENCE" replaced nw_worker_pids "$worker"
    all_run_as_told
    kill -KILL "$engine"
    nw_poll "$NW_PATIENCE" replaced nw_engine_pid "$engine"
    all_run_as_told
}

# slices_of PID: what the kernel calls the slices of its threads, in ns, each once.
slices_of() {
    sed -n 's/^se\.slice *: *//p' "/proc/$1"/task/*/sched | sort -u
}

@test "every thread of the engine goes before those of workers, for the kernel" {
    local pid
    [ "$(printf '%s\n' 6.12 "$(uname -r)" | sort -V | head -n 1)" = 6.12 ] || skip "Linux before 6.12 has no slices"
    [ -n "$(slices_of "$$")" ] || skip "the kernel shows no slices (CONFIG_SCHED_DEBUG)"
    nw_up --engine-threads 2
    nw_deploy_samples hello
    [ "$(slices_of "$(nw_engine_pid)")" = 100000 ]
    for pid in $(nw_worker_pids); do
        [ "$(slices_of "$pid")" = 200000 ]
    done
}

@test "without being told they run where Nightward was started; there is an executor for each CPU of the workers" {
    local own
    own=$(cpus_of "$$")
    NIGHTWARD_WORKER_CPUS=$last nw_up
    nw_deploy_samples hello
    runs_on "$(nw_engine_pid)" "$own"
    [ "$(nw_status cpus)" = "$own" ]
    runs_on "$(nw_worker_pids)" "$last"
    grep -q 'each of 1 executors' "$NW_LOG"
}
