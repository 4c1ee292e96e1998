# The view of bench/compare for programs.

END {
    printf "{\n"
    n = split("date processor cpus kernel client rounds seconds load", keys, " ")
    for (i = 1; i <= n; i++)
        printf "  \"%s\": %s,\n", keys[i], about[keys[i]] ~ /^[0-9]+$/ ? about[keys[i]] : quoted(about[keys[i]])
    printf "  \"targets\": ["
    for (t = 1; t <= n_targets; t++)
        printf "%s\n    {\"name\": %s, \"what\": %s, \"pinned\": %s}", (t == 1 ? "" : ","), quoted(targets[t]), \
            quoted(what[targets[t]]), quoted(pinned[targets[t]])
    printf "\n  ],\n  \"results\": ["
    for (l = 1; l <= n_loads; l++)
        for (t = 1; t <= n_targets; t++)
            if ((loads[l], targets[t]) in has)
                result(loads[l], targets[t])
    printf "\n  ]\n}\n"
}

function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    gsub(/[\001-\037]/, " ", text)
    return "\"" text "\""
}

function field(name, load, target, column,    middle) {
    middle = value(load, target, column)
    if (middle != "")
        printf ", \"%s\": {\"median\": %.10g, \"least\": %.10g, \"greatest\": %.10g}", name, middle, LOW, HIGH
}

function result(load, target) {
    printf "%s\n    {\"load\": %s, \"target\": %s, \"unit\": %s, \"n\": %d, \"errors\": %d", comma, quoted(load), \
        quoted(target), quoted(unit_of[load]), total(load, target, N), total(load, target, ERRORS)
    field("p50", load, target, P50)
    field("p99", load, target, P99)
    field("p999", load, target, P999)
    field("rate", load, target, RATE)
    field("cpu_us", load, target, CPU)
    printf "}"
    comma = ","
}
