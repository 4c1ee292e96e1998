# What bench/neighbours measured, one line for each round, to a table and the file `json`. Columns: mode, scenario; p50,
# p99, max, answered, failed alone; the same beside the scenario; workers lost.

{
    key = $1 " " $2
    if (!(key in rounds)) keys[++n_keys] = key
    rounds[key]++
    for (i = 3; i <= NF; i++) values[key, i, rounds[key]] = $i
}

function median(key, column,    i, j, n, sorted, swap) {
    n = rounds[key]
    for (i = 1; i <= n; i++) sorted[i] = values[key, column, i]
    for (i = 1; i < n; i++)
        for (j = i + 1; j <= n; j++)
            if (sorted[j] + 0 < sorted[i] + 0) { swap = sorted[i]; sorted[i] = sorted[j]; sorted[j] = swap }
    return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function sum(key, column,    i, total) {
    for (i = 1; i <= rounds[key]; i++) total += values[key, column, i]
    return total + 0
}

function object(key, first) {
    return sprintf("{\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f, \"answered\": %d, \"failed\": %d}", median(key, first),
                   median(key, first + 1), median(key, first + 2), sum(key, first + 3), sum(key, first + 4))
}

END {
    printf "%-8s %-12s %26s   %26s %9s %7s %5s\n", "", "", "alone: p50, p99, max (ms)", "beside: p50, p99, max",
           "answered", "failed", "lost"
    for (k = 1; k <= n_keys; k++) {
        key = keys[k]
        split(key, part, " ")
        printf "%-8s %-12s %8.2f %8.2f %8.1f   %8.2f %8.2f %8.1f %9d %7d %5d\n", part[1], part[2], median(key, 3),
               median(key, 4), median(key, 5), median(key, 8), median(key, 9), median(key, 10), sum(key, 11), sum(key, 12),
               sum(key, 13)
        printf "%s{\"mode\": \"%s\", \"scenario\": \"%s\", \"alone\": %s, \"beside\": %s, \"lost\": %d}",
               k == 1 ? "[\n" : ",\n", part[1], part[2], object(key, 3), object(key, 8), sum(key, 13) >json
    }
    print "\n]" >json
}
