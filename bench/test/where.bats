#!/usr/bin/env bats
# bench/report/where_*.awk, on lines as perf prints them.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/../report" || exit 1
}

# one_request MICROSECOND: each step takes one microsecond more than the one before.
one_request() {
    local t=$1 i=0 step
    for step in 'wrk sys_enter_write' 'nightward-engin sys_exit_io_uring_enter' 'nightward-engin sys_enter_write' \
        'nightward-engin sys_exit_write' 'nightward-worke sys_exit_read' \
        'nightward-engin sys_enter_io_uring_enter' 'wrk sys_exit_epoll_wait'; do
        printf '%s 7.%09d: syscalls:%s:\n' "${step% *}" $((t * 1000)) "${step#* }"
        i=$((i + 1)) t=$((t + i))
    done
}

@test "a request's steps take the time between its system calls" {
    run -0 awk -f where_waits.awk < <(one_request 100; one_request 200)
    [[ ${lines[0]} == *'1.0 us  client'* && ${lines[3]} == *'4.0 us  the worker wakes up' ]]
    [[ ${lines[6]} == *'21.0 us  in all, of 2 requests' ]]
}

@test "a request whose worker had to ring is left out" {
    run -0 awk -f where_waits.awk < <(
        one_request 100 | sed 's/nightward-engin \(.*sys_enter_io\)/nightward-worke 7.000000105: syscalls:sys_enter_write:\n&/'
        one_request 200
    )
    [[ ${lines[6]} == *'of 1 requests' ]]
    run -1 awk -f where_waits.awk </dev/null
    [[ $output == *'no request was seen whole'* ]]
}

@test "processor time is divided by what the samples were in" {
    run -0 awk -v engine=8000 -v worker=1000 -f where_cpu.awk <<'SAMPLES'
nightward-engin 
	ffff tcp_ack ([kernel.kallsyms])
	ffff tcp_sendmsg_locked ([kernel.kallsyms])
	ffff io_send ([kernel.kallsyms])

nightward-engin 
	55aa llhttp__internal__run (/x/nightward-engine)

nightward-engin 
	ffff try_to_wake_up ([kernel.kallsyms])
	ffff pipe_write ([kernel.kallsyms])

nightward-engin 
	55aa work (/x/nightward-engine)

nightward-worke 
	55aa [unknown] (/x/nightward-worker)

SAMPLES
    [[ $output == *'engine, 8.0 us'*'2.0 us  sending'*'2.0 us  HTTP'*'2.0 us  dispatch'*'2.0 us  ringing the worker'* ]]
    [[ $output == *'worker, 1.0 us'*'1.0 us  gate and monitor'* ]]
}
