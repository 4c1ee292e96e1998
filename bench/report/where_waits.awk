# For bench/where.sh: system calls of one request after the other, as perf script prints them, become a table of what a
# request waits for. Only requests whose calls came in the usual order count.
BEGIN {
    # who:call that begins a step, in order, and what lies before the next
    add("c:enter_write", "client's write: down its socket, by loopback up the engine's, which wakes it")
    add("e:exit_io_uring_enter", "engine: reads, parses, places, pushes into the ring")
    add("e:enter_write", "engine rings the worker")
    add("e:exit_write", "the worker wakes up")
    add("w:exit_read", "worker: takes it, gate in, function, gate out, answer; the engine sees it and builds the response")
    add("e:enter_io_uring_enter", "engine sends: down its socket, by loopback up the client's, which wakes up")
    add("c:exit_epoll_wait", "")
}

function add(what, meaning)
{
    step[++n_steps] = what
    text[n_steps] = meaning
}

function sort_values(v, n,    gap, i, j, t)
{
    for (gap = int(n / 2); gap > 0; gap = int(gap / 2))
        for (i = gap + 1; i <= n; i++) {
            t = v[i]
            for (j = i; j > gap && v[j - gap] > t; j -= gap)
                v[j] = v[j - gap]
            v[j] = t
        }
}

# What the client calls while others work is no step, and passes.
{
    who = $1 ~ /^wrk/ ? "c" : $1 ~ /worke/ ? "w" : "e"
    time = $2
    sub(/:$/, "", time)
    split(time, part, ".")
    now = part[1] * 1000000 + part[2] / 1000
    call = $3
    sub(/^syscalls:sys_/, "", call)
    sub(/:$/, "", call)
    key = who ":" call
    if (key == step[at + 1] || (at && key == step[1])) {
        at = key == step[1] ? 1 : at + 1
        when[at] = now
        if (at == n_steps) {
            requests++
            for (i = 1; i < n_steps; i++)
                took[i, requests] = when[i + 1] - when[i]
        }
    } else if (who == "w" && call == "enter_write") {
        at = 0 # the engine slept already: another way
    }
}

END {
    if (!requests) {
        print "  no request was seen whole"
        exit 1
    }
    for (i = 1; i < n_steps; i++) {
        for (r = 1; r <= requests; r++)
            values[r] = took[i, r]
        sort_values(values, requests)
        sum += values[int((requests + 1) / 2)]
        printf "  %5.1f us  %s\n", values[int((requests + 1) / 2)], text[i]
    }
    printf "  %5.1f us  in all, of %d requests\n", sum, requests
}
