# Signals, timers and handled faults of functions.

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
    nw_deploy signals "$NW_BUILD/test/worker/signals.so"
    nw_deploy_samples hello
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

@test "a function handles what it sends itself" {
    nw_expect signals raise '10 tkill'
    nw_expect signals kill '10 user ESRCH'
}

@test "alarm and setitimer interrupt what waits" {
    nw_expect signals pause 'EINTR 14'
    nw_expect signals sleep 'EINTR 59'
    nw_expect signals interrupted right
}

@test "timers of libc run their functions in threads" {
    nw_expect signals timers '16 EAGAIN'
}

@test "a handled fault is no crash, and one that is not handled is" {
    nw_expect signals fault '11 0x8 unmapped'
    nw_expect_error signals fault-twice 502 function_crashed
    nw_expect signals fault '11 0x8 unmapped'
    nw_expect hello '' 'Hello, world!'
}
