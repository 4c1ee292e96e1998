# What confines the real workers, in every mode, looked at from outside. The launcher's own tests look from inside.
# sanitized: yes
# waits: yes

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
    nw_deploy "$FUNCTIONS/echo" --tenant one
    nw_deploy "$FUNCTIONS/bar" --tenant two
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

# confined LAYER: whether the launcher says that workers have it.
confined() {
    nw_admin /v1/status | grep -q "\"confined_by\":\[[^]]*\"$1\""
}

# value PID KEY: a line of /proc/PID/status.
value() {
    awk -v key="$2:" '$1 == key { $1 = ""; print substr($0, 2) }' "/proc/$1/status"
}

@test "a worker has no capabilities, gains none, has a filter and leaves no core" {
    local pid n=0
    for pid in $(nw_worker_pids); do
        [ "$(value "$pid" NoNewPrivs)" = 1 ]
        [ "$(value "$pid" Seccomp)" = 2 ]
        [ "$(value "$pid" CapPrm)" = 0000000000000000 ]
        [ "$(value "$pid" CapEff)" = 0000000000000000 ]
        ! confined 'own user' || [ "$(value "$pid" CapBnd)" = 0000000000000000 ]
        grep -Eq '^Max core file size +0 +0 ' "/proc/$pid/limits"
        n=$((n + 1))
    done
    [ "$n" -ge 2 ]
}

@test "its filter leaves a worker the barriers with which an executor owns a list of func workers" {
    ! grep membarrier "$NW_LOG" || fail "nested calls take locks"
}

@test "no other process of its user may look into a worker" {
    local pid
    for pid in $(nw_worker_pids); do # what cannot be dumped belongs to root, whoever runs it
        [ "$(stat -c %u "/proc/$pid/environ")" = 0 ]
    done
}

@test "each worker is a user of its own" {
    confined 'own user' || skip "not here: $(nw_admin /v1/status | grep -o '"own user:[^"]*"')"
    local pids pid
    pids=$(nw_worker_pids)
    for pid in $pids; do
        [[ $(value "$pid" Uid) != 0* ]]
        value "$pid" Uid
    done | sort | uniq -d | grep . && fail "two workers are the same user"
    [ "$(wc -l <<<"$pids")" -ge 2 ]
}

@test "each worker has namespaces of its own" {
    local layer kind name pid
    for layer in 'no network:net' 'few files:mnt' 'own processes:pid' 'own IPC:ipc' 'own host name:uts'; do
        confined "${layer%:*}" || continue
        for pid in $(nw_worker_pids) self; do
            readlink "/proc/$pid/ns/${layer#*:}"
        done | sort | uniq -d | grep . && fail "${layer#*:} is shared"
    done
    return 0
}

@test "a worker sees few files, and can change none" {
    confined 'few files' || skip "not here: $(nw_admin /v1/status | grep -o '"few files:[^"]*"')"
    local pid
    pid=$(nw_worker_pids | head -n 1)
    [ "$(awk '{ print $5 }' "/proc/$pid/mountinfo" | grep -Evc '^(/|/proc.*|/lib.*|/usr/lib.*|/usr/local/lib|/usr/share/zoneinfo|/etc/(ld.so.cache|localtime|alternatives|ssl/openssl.cnf)|/dev/(null|urandom))$')" = 0 ]
    awk '$5 !~ "^/(proc|dev)" { print $6 }' "/proc/$pid/mountinfo" | grep -v '^ro,' && fail "not read-only"
    return 0
}

@test "status tells what confines workers, and the log what does not" {
    run -0 "$NIGHTWARD" status --state "$NW_STATE"
    [[ $output == *confined_by*"no capabilities"*seccomp* ]]
    local missing
    missing=$(nw_status not_confined_by.0) || missing=
    [ -z "$missing" ] || [ "$(grep -c "workers are not confined by: $missing" "$NW_LOG")" = 1 ]
}

@test "functions with a profile have what it gives, in workers of their own" {
    local granted=$BATS_TEST_TMPDIR/granted port=${NW_URL##*:}
    mkdir "$granted"
    nw_deploy net "$NW_BUILD/test/worker/probe.so" --profile net
    nw_deploy files "$NW_BUILD/test/worker/probe.so" --profile files --directories "$granted:rw"
    nw_expect net "connect 127.0.0.1 $port" ok
    nw_expect net "udp 127.0.0.1 9" ok
    nw_expect net "udp-message 127.0.0.1 9" ok
    nw_expect net "lookup localhost" 127.0.0.1
    nw_expect net epoll-timeout ok
    nw_expect net "open /etc/hosts" ok
    nw_expect files "write $granted/file words" ok
    [ "$(cat "$granted/file")" = words ]
    [ "$(stat -c %u "$granted/file")" = "$(id -u)" ]
    nw_expect files "read $granted/file" words
    nw_expect files "access $granted/file" ok
    nw_expect files "readlink $granted/file" EINVAL
    nw_expect files "mkdir $granted/folder" ok
    nw_expect files "rename $granted/file $granted/folder/file" ok
    nw_expect files "unlink $granted/folder/file" ok
    nw_expect files "rmdir $granted/folder" ok
    nw_expect files "connect 127.0.0.1 $port" EPERM
    nw_deploy reader "$NW_BUILD/test/worker/probe.so" --profile files --directories "$granted:ro"
    nw_expect reader "access $granted" EROFS
    [ "$(nw_admin /v1/functions/net | "$JSON" workers.0)" -gt 0 ]
    [ "$(nw_admin /v1/functions/net | "$JSON" workers.0)" != "$(nw_admin /v1/functions/files | "$JSON" workers.0)" ]
}

# A worker that was taken over has the descriptors, and no monitor that looks at paths.
@test "nothing lies above a granted directory" {
    { [ "$(id -u)" = 0 ] && confined 'few files'; } || skip "only root makes mounts of directories"
    local granted=$BATS_TEST_TMPDIR/inner pid fd n=0
    mkdir "$granted"
    nw_deploy writer "$NW_BUILD/test/worker/probe.so" --profile files --directories "$granted:rw"
    for pid in $(nw_worker_pids); do
        for fd in "/proc/$pid/fd/"*; do
            [ "$(stat -Lc %d:%i "$fd")" = "$(stat -c %d:%i "$granted")" ] || continue
            [ "$(stat -Lc %i "$fd/..")" = "$(stat -c %i "$granted")" ]
            n=$((n + 1))
        done
    done
    [ "$n" -ge 1 ]
}
