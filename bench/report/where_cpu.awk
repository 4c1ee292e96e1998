# For bench/where.sh: perf's samples with their call chains become processor time for a request, by what the thread was at.
# Given: engine, worker, in ns for a request. A sample is "COMM", a line for each frame, the innermost first, and an empty
# line.
/^[^ \t]/ {
    who = $1 ~ /worke/ ? "worker" : "engine"
    chain = leaf = ""
    next
}

NF {
    if (leaf == "") {
        leaf = $2
        from = $NF
    }
    chain = chain " " $2
    next
}

leaf != "" {
    what = who == "engine" ? engine_part() : worker_part()
    n[who]++
    part[who, what]++
    leaf = ""
}

function in_kernel()
{
    return from ~ /^\(\[/ && from !~ /vdso|vsyscall/
}

function engine_part()
{
    if (!in_kernel())
        return leaf ~ /llhttp|http|conn_|gather|build_head|add_iov/ ? "2 HTTP: parsing, answering" : \
               leaf ~ /before_wait|spin|has_input|pause/ ? "4 looking for answers" : \
               "3 dispatch, rings, event loop"
    if (chain ~ /pipe_write/)
        return "5 ringing the worker"
    if (chain ~ /io_send|sendmsg|tcp_sendmsg/)
        return "0 sending: down its socket, by loopback up the client's"
    if (chain ~ /io_recv|recvmsg|io_poll/)
        return "1 receiving"
    return chain ~ /schedule|io_cqring_wait/ ? "6 going to sleep and waking up" : "7 entering the kernel, submitting, the rest"
}

function worker_part()
{
    if (in_kernel())
        return chain ~ /eventfd_write|ksys_write/ ? "2 ringing the engine" : "3 going to sleep and waking up"
    return from ~ /nightward-worker/ ? "0 gate and monitor: crossing, ring, scheduling, copying" : \
           "1 in the domain: stub, libc, function"
}

function show(who, ns,    what, key, i)
{
    printf "  %s, %.1f us of processor time for a request\n", who, ns / 1000
    for (i = 0; i < 8; i++)
        for (key in part) {
            split(key, what, SUBSEP)
            if (what[1] == who && what[2] ~ "^" i)
                printf "    %4.1f us  %s\n", part[key] / n[who] * ns / 1000, substr(what[2], 3)
        }
}

END {
    show("engine", engine)
    show("worker", worker)
}
