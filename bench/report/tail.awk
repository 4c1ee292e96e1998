# The view of bench/tail for a terminal: a block for each mix and load, a line for each target.

END {
    printf "%s, %d CPUs, %s; %s\n", mix_about["processor"], mix_about["cpus"], mix_about["kernel"], mix_about["date"]
    printf "client: %s; load average %s; version %s\n", mix_about["client"], mix_about["load"], mix_about["version"]
    for (t = 1; t <= n_mix_targets; t++)
        printf "%-12s %s; %s\n", mix_targets[t], what[mix_targets[t]], pinned[mix_targets[t]]
    printf "%s rounds, targets in turn, %s s each; medians over the rounds, latency in microseconds. Short are those that\n" \
        "take no longer than the mean.\n", mix_about["rounds"], mix_about["seconds"]
    for (m = 1; m <= n_mixes; m++)
        for (i = 1; i <= n_mix_loads[mix_names[m]]; i++)
            if (mix_names[m] == "overload")
                overload_block("mix/overload/" mix_loads["overload", i], mix_loads["overload", i])
            else
                block(mix_names[m], mix_loads[mix_names[m], i])
}

function block(mix, load,    t, key, target) {
    key = "mix/" mix "/" load
    printf "\n%s, %s (%s)\n", mix, load == "most" ? "as many as 64 connections carry" : load "% of capacity", mix_title(mix)
    printf "  %-12s %9s %9s %9s %9s %9s %9s %9s | short %7s %9s %9s | %9s %9s\n", "", "due/s", "answered", "p50", "p90", \
        "p99", "p99.9", "p99.99", "p50", "p99", "p99.9", "preempt/s", "late p99"
    for (t = 1; t <= n_mix_targets; t++) {
        target = mix_targets[t]
        if (!((key, target) in has))
            continue
        printf "  %-12s %9s %9s %9s %9s ", target, digits(value(key, target, OFFERED)), digits(value(key, target, RATE)), \
            digits(at_percent(key, target, 50, CURVE)), digits(at_percent(key, target, 90, CURVE))
        printf "%9s %9s %9s | ", digits(at_percent(key, target, 99, CURVE)), digits(at_percent(key, target, 99.9, CURVE)), \
            digits(at_percent(key, target, 99.99, CURVE))
        printf "%13s %9s %9s | ", digits(at_percent(key, target, 50, SHORT)), digits(at_percent(key, target, 99, SHORT)), \
            digits(at_percent(key, target, 99.9, SHORT))
        printf "%9s %9s%s\n", digits(preemptions(key, target)), digits(value(key, target, LATE)), faults(key, target)
    }
}

function faults(key, target,    errors, refused) {
    errors = total(key, target, ERRORS)
    refused = total(key, target, REFUSED)
    return (errors ? "  " errors " errors" : "") (refused ? "  " refused " refused" : "")
}

function overload_block(key, load,    t, target) {
    for (t = 1; t <= n_mix_targets; t++) {
        target = mix_targets[t]
        if (!((key, target) in has))
            continue
        if (!said++)
            printf "\noverload (%s)\n  %-12s %9s %9s %9s %9s %10s %14s %9s\n", mix_title("overload"), "", "load, %", "due/s", \
                "answered", "over peak", "refused", "within p99, us", "errors"
        printf "  %-12s %9s %9s %9s %9s %10d %14s %9d\n", target, load, digits(value(key, target, OFFERED)), \
            digits(value(key, target, RATE)), over_peak("overload", target, key), total(key, target, REFUSED), \
            digits(value(key, target, REFUSED_P99)), total(key, target, ERRORS)
    }
}
