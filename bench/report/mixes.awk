# Reads what bench/tail measured, as data.awk does of bench/compare: lines "about KEY VALUE", "target NAME WHAT PINNED",
# and those that bench/tail describes.

BEGIN {
    SHORT = 13; OFFERED = 14; LATE = 15; PREEMPTED = 16; REFUSED = 17; REFUSED_P99 = 18
}

FILENAME == ARGV[3] && $1 == "about" {
    mix_about[$2] = $3
    next
}

FILENAME == ARGV[3] && $1 == "target" {
    mix_targets[++n_mix_targets] = $2
    what[$2] = $3
    pinned[$2] = $4
    next
}

FILENAME == ARGV[3] {
    if (!($2 in mix_seen)) {
        mix_seen[$2]
        mix_names[++n_mixes] = $2
    }
    load = "mix/" $2 "/" $4
    if (!(load in mix_seen)) {
        mix_seen[load]
        mix_loads[$2, ++n_mix_loads[$2]] = $4
    }
    has[load, $3]
    n = ++n_rows[load, $3]
    for (column = P50; column <= REFUSED_P99; column++)
        cell[load, $3, column, n] = "-"
    split("5:" OFFERED " 6:" RATE " 7:" N " 8:" ERRORS " 9:" REFUSED " 10:" REFUSED_P99 " 11:" LATE " 12:" PREEMPTED \
        " 13:" CURVE " 14:" SHORT, columns, " ")
    for (column in columns) {
        split(columns[column], pair, ":")
        cell[load, $3, pair[2] + 0, n] = $(pair[1])
    }
}

function mix_title(mix) {
    return mix == "bimodal" ? "99.5% take 5 µs, the others 5 ms" : mix == "exponential" ? \
        "exponential, with a mean of 30 µs" : mix == "heavy" ? "Pareto, shape 1.1, with a mean of 30 µs" : \
        mix == "overload" ? "each takes 4 ms, up to ten times as many as can be answered" : mix
}

# Per second of load; "" when it is not counted.
function preemptions(load, target,    v) {
    v = value(load, target, PREEMPTED)
    return v == "" ? "" : v / mix_about["seconds"]
}

# Goodput over the greatest of this target under this mix.
function over_peak(mix, target, load,    i, v, peak) {
    for (i = 1; i <= n_mix_loads[mix]; i++) {
        v = value("mix/" mix "/" mix_loads[mix, i], target, RATE)
        if (v != "" && v > peak)
            peak = v
    }
    v = value(load, target, RATE)
    return peak && v != "" ? sprintf("%.2f", v / peak) : "-"
}
