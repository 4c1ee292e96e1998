# The view of bench/compare for a terminal: a block for each load, a line for each target.

END {
    printf "%s, %d CPUs, %s; %s\n", about["processor"], about["cpus"], about["kernel"], about["date"]
    printf "client: %s; load average %s\n", about["client"], about["load"]
    for (t = 1; t <= n_targets; t++)
        printf "%-18s %s; %s\n", targets[t], what[targets[t]], pinned[targets[t]]
    printf "%s, targets in turn, %d s each. Medians over the rounds; in brackets the least and the greatest.\n", \
        rounds(), about["seconds"]
    printf "The last column is p50 over that of nightward.\n"
    for (l = 1; l <= n_loads; l++)
        block(loads[l])
}

function block(load,    t) {
    printf "\n%s (%s)\n", title(load), load
    if (unit_of[load] == "us")
        printf "  %-18s %10s %21s %10s %10s %21s %9s %7s\n", "", "p50 us", "", "p99 us", "requests/s", "", \
            "CPU us", "times"
    for (t = 1; t <= n_targets; t++)
        if ((load, targets[t]) in has)
            line(load, targets[t])
}

function spread() {
    return LOW == "" ? "" : "[" digits(LOW) " .. " digits(HIGH) "]"
}

function line(load, target,    p50, between, own, errors) {
    p50 = value(load, target, P50)
    between = spread()
    if (unit_of[load] != "us") {
        printf "  %-18s %10s %21s %s\n", target, digits(p50), between, unit_of[load]
        return
    }
    printf "  %-18s %10s %21s %10s ", target, digits(p50), between, digits(value(load, target, P99))
    printf "%10s %21s ", digits(value(load, target, RATE)), spread()
    own = value(load, "nightward", P50)
    printf "%9s %7s", digits(value(load, target, CPU)), times(p50, own)
    errors = total(load, target, ERRORS)
    print errors ? "  " errors " errors" : ""
}
