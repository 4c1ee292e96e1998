# A function that misbehaves gets its error, answers again, and a neighbour called all the while never errs.
# timeout: 300
# sanitized: yes

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
    nw_deploy_samples echo
    # Of the two only one has a deadline that a busy machine might not keep.
    nw_deploy fault "$FUNCTIONS/fault/fault.so" --slots 4 --memory 64M --profile files --timeout 20s
    nw_deploy hasty "$FUNCTIONS/fault/fault.so" --slots 4 --memory 64M --profile files --timeout 300ms
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
    nw_load --requests 0 "$(nw_address)" /function/echo
}

# The neighbour fails the test here if one of its calls was lost, refused or answered with another's bytes.
teardown() {
    nw_load_end
}

# contained INPUT STATUS CODE [FUNCTION]: the call fails so, and the function answers again soon.
contained() {
    local function=${4:-fault}
    nw_expect_error "$function" "$1" "$2" "$3"
    nw_poll "$NW_PATIENCE" nw_answers "$function" ok ||
        fail "$function did not answer again after \"$1\": status $code: $body"
}

# only_mpk: for what nothing but keys can hold.
only_mpk() {
    [ "$(nw_status mode)" = mpk ] || skip "only keys hold this, and this is mode $(nw_status mode)"
}

# foreign_address: a writable page of the monitor, outside every domain.
foreign_address() {
    local range
    range=$(awk '$2 ~ /^rw/ && $NF == "[stack]" { print $1 }' "/proc/$(nw_worker_pids | head -n 1)/maps")
    [ -n "$range" ]
    printf '0x%x' $((0x${range#*-} - 4096))
}

# Descriptors, and threads, of all workers together.
open_files() {
    local pid
    for pid in $(nw_worker_pids); do ls "/proc/$pid/fd"; done | wc -l
}

threads() {
    local pid
    for pid in $(nw_worker_pids); do ls "/proc/$pid/task"; done | wc -l
}

# at_most NUMBER COMMAND
at_most() {
    (($($2) <= $1))
}

@test "a write through a bad pointer" {
    contained segv 502 function_crashed
}

@test "a write to memory that nobody has" {
    contained 'write 0x10' 502 function_crashed
}

@test "a write into the monitor" {
    only_mpk
    contained "write $(foreign_address)" 502 function_crashed
}

@test "a read of the monitor" {
    only_mpk
    contained "read $(foreign_address)" 502 function_crashed
}

@test "a stack overflow" {
    contained overflow 502 function_crashed
}

@test "an abort" {
    contained abort 502 function_crashed
}

@test "a bad free" {
    contained badfree 502 function_crashed
}

@test "a call of exit" {
    contained exit 502 function_crashed
}

@test "an endless loop" {
    contained loop 504 function_timeout hasty
}

@test "a deadlock" {
    contained deadlock 504 function_timeout hasty
}

@test "a sleep past the deadline" {
    contained sleep 504 function_timeout hasty
}

@test "twenty crashes in a row" {
    local i
    for ((i = 0; i < 20; i++)); do
        contained segv 502 function_crashed
    done
}

@test "crashes while others use the same function" {
    local i pids=()
    for ((i = 0; i < 6; i++)); do
        curl -sS --max-time 20 -o "$BATS_TEST_TMPDIR/out.$i" -w '%{http_code}' -d abort "$NW_URL/function/fault" \
            >"$BATS_TEST_TMPDIR/status.$i" 3>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    for ((i = 0; i < 6; i++)); do
        [ "$(cat "$BATS_TEST_TMPDIR/status.$i")" = 502 ] || fail "call $i: $(cat "$BATS_TEST_TMPDIR/out.$i")"
    done
    nw_poll "$NW_PATIENCE" nw_answers fault ok
}

@test "memory past the limit is ENOMEM inside, and the function lives on" {
    nw_call fault oom
    [ "$code" = 200 ] || fail "status $code: $body"
    [[ $body == "malloc: ENOMEM after "* ]]
    nw_expect fault ok ok
}

@test "leaked memory comes back when the domain ends" {
    local i
    for ((i = 0; i < 100; i++)); do
        nw_call fault leak
        [ "$code" = 200 ] || fail "status $code: $body"
        [ "$body" != 'malloc: ENOMEM' ] || break
    done
    [ "$body" = 'malloc: ENOMEM' ]
    contained abort 502 function_crashed
    nw_expect fault leak 'leaked 1048576 bytes'
}

@test "leaked descriptors end with the domain" {
    local before
    contained abort 502 function_crashed
    before=$(open_files)
    nw_call fault fdleak
    [[ $code == 200 && $body == "open: EMFILE after "* ]] || fail "status $code: $body"
    nw_poll "$NW_PATIENCE" grep -q 'function fault: it has 2[0-9]* descriptors and asked for more than it may have$' "$NW_LOG"
    ! at_most "$before" open_files
    contained abort 502 function_crashed
    nw_poll "$NW_PATIENCE" at_most "$before" open_files || fail "$(open_files) descriptors, $before before"
}

@test "leaked threads end with the domain" {
    local before
    contained abort 502 function_crashed
    before=$(threads)
    nw_call fault threadleak
    [[ $code == 200 && $body == "started 4 threads that never end" ]] || fail "status $code: $body"
    contained abort 502 function_crashed
    nw_poll "$NW_PATIENCE" at_most "$before" threads || fail "$(threads) threads, $before before"
}

refusals_are_counted() {
    [ "$(nw_status counters.system_calls_refused)" -gt 0 ]
}

@test "a crash is logged with the function and the symbol" {
    contained segv 502 function_crashed
    nw_poll "$NW_PATIENCE" grep -q 'fault: SIGSEGV at address 0x[0-9a-f]*, instruction 0x[0-9a-f]*, in do_segv+0x' "$NW_LOG"
}

@test "a refused syscall is EPERM, and logged with the function" {
    nw_expect fault 'syscall ptrace' 'ptrace: EPERM'
    nw_poll "$NW_PATIENCE" grep -q 'fault: system call ptrace refused at 0x[0-9a-f]*, in do_syscall+0x' "$NW_LOG"
    nw_poll "$NW_PATIENCE" refusals_are_counted
    nw_expect fault ok ok
}

@test "the syscalls of protection keys are refused" {
    nw_expect fault pkey $'pkey_alloc: EPERM\npkey_mprotect: EPERM\npkey_free: EPERM'
}
