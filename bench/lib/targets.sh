# shellcheck shell=bash
# Sourced by bench/compare: starts, describes and stops what is compared. All targets run at once; the load goes to one at
# a time. host.sh must have been sourced.
#
# Vanilla nightcore runs in the configuration in which it was fastest: message channels are FIFOs (its default),
# --disable_monitor, --func_worker_pipe_direct_write (the thread that dispatches writes to the worker's FIFO itself
# instead of handing the message to the I/O thread), --disable_concurrency_limiter, one I/O worker each in gateway and
# engine; engine and func workers on one CPU, so that a message wakes nobody on another one, the gateway on the other.

TARGETS=() # names, in order
declare -A TARGET_KIND TARGET_URL TARGET_PID TARGET_WHAT TARGET_PINNED TARGET_STATE TARGET_ENDED

# Func workers that nightcore gets for a function: of 2, 4 and 16 two were fastest. A chain of 8 calls holds 9 at a time.
NIGHTCORE_WORKERS=2 NIGHTCORE_CHAIN_WORKERS=10
NIGHTCORE_FUNCTIONS='hello noop echo callbench chain cold'

# target_add NAME KIND URL PID WHAT PINNED: PID is one process or several that all others of the target descend from.
target_add() {
    TARGETS+=("$1")
    TARGET_KIND[$1]=$2 TARGET_URL[$1]=$3 TARGET_PID[$1]=$4 TARGET_WHAT[$1]=$5 TARGET_PINNED[$1]=$6
}

# note_ended NAME LOAD: after a load; a target of which a process that was started is gone takes no more of them.
note_ended() {
    local pid
    for pid in ${TARGET_PID[$1]}; do
        kill -0 "$pid" 2>/dev/null && continue
        TARGET_ENDED[$1]=$2
        TARGET_WHAT[$1]+=" (ENDED by itself during $2 in round $ROUND)"
        echo "bench/compare: $1 ended by itself during $2; it is left out from here on" >&2
        return
    done
}

# processes PID...: these and all that descend from them.
processes() {
    ps -eo pid=,ppid= | awk -v roots="$*" '
        { parent[$1] = $2 }
        END {
            n = split(roots, root, " ")
            for (i = 1; i <= n; i++) if (root[i] in parent) wanted[root[i]]
            do {
                found = 0
                for (pid in parent) if (!(pid in wanted) && parent[pid] in wanted) { wanted[pid]; found = 1 }
            } while (found)
            for (pid in wanted) print pid
        }'
}

# stop_processes PID...: SIGTERM, SIGKILL after five seconds.
stop_processes() {
    local tries
    [ $# -gt 0 ] || return 0
    kill -TERM "$@" 2>/dev/null || true
    for ((tries = 0; tries < 250; tries++)); do
        kill -0 "$@" 2>/dev/null || break
        sleep 0.02
    done
    kill -KILL "$@" 2>/dev/null || true
    wait "$@" 2>/dev/null || true
}

# soon PID COMMAND...: runs it until it succeeds, for ten seconds at most and while the process is there.
soon() {
    local tries pid=$1
    shift
    for ((tries = 0; tries < 500; tries++)); do
        "$@" && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.02
    done
    return 1
}

# answers URL [BODY]
answers() {
    curl -sf --max-time 5 -o /dev/null -d "${2:-x}" "$1"
}

listens() {
    (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port of 127.0.0.1 that nobody listens on just now.
free_port() {
    local port
    port=$((20000 + RANDOM % 12000))
    while listens "$port"; do
        port=$((20000 + RANDOM % 12000))
    done
    echo "$port"
}

# allowed_cpus: those that may be used, a line each.
allowed_cpus() {
    taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
        awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }'
}

# nightward_up NAME MODE CPU FUNCTION...: engine and workers on that CPU; '': anywhere.
nightward_up() {
    local name=$1 mode=$2 cpu=$3 pinned='not pinned' version
    [ -z "$cpu" ] || pinned="engine and workers on CPU $cpu"
    shift 3
    export NIGHTWARD_STATE=$HOST_WORK/$name
    # shellcheck disable=SC2086 # two flags or none
    host_up "$mode" ${cpu:+--engine-cpus $cpu --worker-cpus $cpu} || return 1
    host_deploy "$@"
    version=$(git -C "$NW_ROOT" describe --always --dirty 2>/dev/null || echo 'unknown version')
    mode=$(host_status | sed -n 's/.*"mode":"\([a-z]*\)".*/\1/p')
    target_add "$name" nightward "$HOST_URL" "$HOST_PID" "Nightward $version, isolation $mode" "$pinned"
    TARGET_STATE[$name]=$NIGHTWARD_STATE
    HOST_PID='' # targets_down stops it from now on
}

nginx_up() {
    local port dir=$HOST_WORK/nginx
    if ! command -v nginx >/dev/null; then
        echo 'nginx is not installed (package nginx-light) and left out' >&2
        return 0
    fi
    port=$(free_port)
    mkdir -p "$dir"
    cat >"$dir/conf" <<CONF
daemon off; pid $dir/pid; error_log $dir/log; worker_processes 1;
events { worker_connections 4096; }
http {
    access_log off; keepalive_requests 100000000;
    client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir; uwsgi_temp_path $dir; scgi_temp_path $dir;
    server { listen 127.0.0.1:$port; location / { return 200 ""; } }
}
CONF
    nginx -c "$dir/conf" 2>/dev/null &
    target_add nginx url "http://127.0.0.1:$port/" $! \
        "$(nginx -v 2>&1 | sed 's/.*: //'), return 200, 1 worker" 'not pinned'
    soon $! answers "${TARGET_URL[nginx]}" || { echo "nginx does not start" >&2; return 1; }
}

# Only for the size sweep: it sends back what it gets. Left out where io_uring is forbidden.
echo_server_up() {
    local pid
    "$NW_BUILD/bench/echo_server" >"$HOST_WORK/echo.port" 2>"$HOST_WORK/echo.log" &
    pid=$!
    soon "$pid" grep -qs port= "$HOST_WORK/echo.port" || {
        echo "the plain echo server is left out: $(cat "$HOST_WORK/echo.log")" >&2
        return 0
    }
    target_add echo-server echo "$(sed "s|port=|http://127.0.0.1:|" "$HOST_WORK/echo.port")" "$pid" \
        'a plain io_uring echo server, bench/tools/echo_server.c, 1 thread' 'not pinned'
}

# nightcore_bin DIR: the folder of its programs.
nightcore_bin() {
    local dir program
    for dir in "$1/bin/release" "$1/bin" "$1"; do
        for program in gateway engine launcher func_worker_v1; do
            [ -x "$dir/$program" ] || continue 2
        done
        (cd "$dir" && pwd)
        return 0
    done
    return 1
}

# nightcore_pin GATEWAY,OTHERS|none: on which CPUs it runs; without a word the second and the first that may be used. Sets
# NIGHTCORE_ON_GATEWAY and NIGHTCORE_ON, what its commands begin with, and NIGHTCORE_PINNED.
nightcore_pin() {
    local cpus
    # A client that goes away in the middle of a large answer would end its gateway.
    NIGHTCORE_ON=(env --ignore-signal=PIPE) NIGHTCORE_PINNED='not pinned'
    NIGHTCORE_ON_GATEWAY=("${NIGHTCORE_ON[@]}")
    [ "$1" != none ] || return 0
    mapfile -t cpus < <(allowed_cpus)
    [ -z "$1" ] || cpus=("${1#*,}" "${1%,*}")
    cpus[1]=${cpus[1]:-${cpus[0]}}
    NIGHTCORE_ON_GATEWAY+=(taskset -c "${cpus[1]}")
    NIGHTCORE_ON+=(taskset -c "${cpus[0]}")
    NIGHTCORE_PINNED="gateway on CPU ${cpus[1]}, engine and func workers on CPU ${cpus[0]}"
}

nightcore_config() {
    local name id=0 workers separator='['
    for name in $NIGHTCORE_FUNCTIONS; do
        workers=$NIGHTCORE_WORKERS
        [ "$name" != chain ] || workers=$NIGHTCORE_CHAIN_WORKERS
        printf '%s{"funcName": "%s", "funcId": %d, "minWorkers": %d, "maxWorkers": %d}' \
            "$separator" "$name" $((++id)) "$workers" "$workers"
        separator=', '
    done
    echo ']'
}

# nightcore_launcher NAME: sets NIGHTCORE_COMMAND to the command that starts the launcher of a function.
nightcore_launcher() {
    local name id=0 so=$1
    for name in $NIGHTCORE_FUNCTIONS; do
        id=$((id + 1))
        [ "$name" != "$1" ] || break
    done
    [ "$so" != cold ] || so=noop
    [ "$so" = spin ] && so=$NW_BUILD/bench/functions/spin.so || so=$NW_BUILD/functions/$so/$so.so
    NIGHTCORE_COMMAND=("${NIGHTCORE_ON[@]}" "$NIGHTCORE_BIN/launcher" --root_path_for_ipc="$NIGHTCORE_IPC/root"
        --func_id="$id" --fprocess_mode=cpp --fprocess_output_dir="$HOST_WORK/nightcore"
        --fprocess="$NIGHTCORE_BIN/func_worker_v1 $so")
}

# nightcore_gateway DIR HTTP_PORT ENGINE_PORT
nightcore_gateway() {
    local dir=$HOST_WORK/nightcore
    "${NIGHTCORE_ON_GATEWAY[@]}" "$NIGHTCORE_BIN/gateway" --listen_addr=127.0.0.1 --http_port="$2" \
        --grpc_port="$(free_port)" --engine_conn_port="$3" --num_io_workers=1 \
        --func_config_file="$dir/functions.json" 2>"$dir/gateway.log" &
    target_add nightcore nightcore "http://127.0.0.1:$2" $! \
        "vanilla nightcore $(git -C "$1" describe --always --dirty 2>/dev/null || echo 'of unknown version')" \
        "$NIGHTCORE_PINNED"
    soon $! listens "$2"
}

# nightcore_engine ENGINE_PORT
nightcore_engine() {
    local dir=$HOST_WORK/nightcore
    "${NIGHTCORE_ON[@]}" "$NIGHTCORE_BIN/engine" --gateway_port="$1" --node_id=0 --num_io_workers=1 \
        --root_path_for_ipc="$NIGHTCORE_IPC/root" --func_config_file="$dir/functions.json" \
        --disable_monitor --func_worker_pipe_direct_write --disable_concurrency_limiter 2>"$dir/engine.log" &
    TARGET_PID[nightcore]+=" $!"
    soon $! test -S "$NIGHTCORE_IPC/root/engine.sock"
}

# nightcore_function NAME
nightcore_function() {
    local body=x
    nightcore_launcher "$1"
    "${NIGHTCORE_COMMAND[@]}" 2>"$HOST_WORK/nightcore/launcher.$1.log" &
    TARGET_PID[nightcore]+=" $!"
    [ "$1" != callbench ] || body='1 1'
    [ "$1" != chain ] || body=0
    soon $! answers "${TARGET_URL[nightcore]}/function/$1" "$body"
}

# nightcore_up DIR PIN: DIR holds a build of it, which is not changed.
nightcore_up() {
    local engine_port name
    NIGHTCORE_BIN=$(nightcore_bin "$1")
    NIGHTCORE_IPC=$(mktemp -d /dev/shm/nightward-compare.XXXXXX)
    nightcore_pin "$2"
    engine_port=$(free_port)
    mkdir -p "$HOST_WORK/nightcore"
    nightcore_config >"$HOST_WORK/nightcore/functions.json"
    nightcore_gateway "$1" "$(free_port)" "$engine_port" && nightcore_engine "$engine_port" || {
        nightcore_fails 'its gateway or engine'
        return 1
    }
    for name in ${NIGHTCORE_FUNCTIONS/ cold/}; do
        nightcore_function "$name" || { nightcore_fails "its function $name"; return 1; }
    done
}

nightcore_fails() {
    printf 'bench/compare: nightcore does not start: %s does not answer; its logs end with\n' "$1" >&2
    tail -q -n 3 "$HOST_WORK"/nightcore/*.log >&2
}

# Everything that was started, by process id, and what nightcore leaves in shared memory.
targets_down() {
    local name pids
    for name in "${TARGETS[@]}"; do
        [ -n "${TARGET_PID[$name]}" ] || continue
        # shellcheck disable=SC2086 # a list of process ids
        mapfile -t pids < <(processes ${TARGET_PID[$name]})
        if [ "${TARGET_STATE[$name]:-}" ]; then # Nightward: it ends its own processes
            stop_processes "${TARGET_PID[$name]}"
        else
            stop_processes "${pids[@]}"
        fi
    done
    TARGETS=()
    [ -z "${NIGHTCORE_IPC:-}" ] || rm -rf "$NIGHTCORE_IPC"
}
