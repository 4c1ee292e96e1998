# Reads what bench/compare measured, for the views beside this file, which bench/lib/report.sh draws.
# ABOUT has lines "KEY VALUE" and "target NAME WHAT PINNED", RESULTS those that bench/lib/loads.sh describes; both are
# tab-separated. "-" is no value.

BEGIN {
    FS = "\t"
    P50 = 5; P99 = 6; P999 = 7; RATE = 8; N = 9; ERRORS = 10; CPU = 11; CURVE = 12
}

FILENAME == ARGV[1] {
    if ($1 == "target") {
        targets[++n_targets] = $2
        what[$2] = $3
        pinned[$2] = $4
    } else
        about[$1] = $2
    next
}

FILENAME == ARGV[2] {
    if (!($2 in unit_of)) {
        loads[++n_loads] = $2
        unit_of[$2] = $4
    }
    has[$2, $3]
    n = ++n_rows[$2, $3]
    for (column = P50; column <= CURVE; column++)
        cell[$2, $3, column, n] = $column
}

function sort(values, count,    i, j, swap) {
    for (i = 2; i <= count; i++)
        for (j = i; j > 1 && values[j - 1] > values[j]; j--) {
            swap = values[j]; values[j] = values[j - 1]; values[j - 1] = swap
        }
}

# The median of values[1..count], which it sorts; LOW and HIGH are the least and the greatest. "" when there are none.
function median(values, count) {
    LOW = HIGH = ""
    if (count == 0)
        return ""
    sort(values, count)
    LOW = values[1]; HIGH = values[count]
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}

# Over the rounds.
function value(load, target, column,    i, count, values) {
    for (i = 1; i <= n_rows[load, target]; i++)
        if (cell[load, target, column, i] != "-")
            values[++count] = cell[load, target, column, i] + 0
    return median(values, count)
}

function total(load, target, column,    i, sum) {
    for (i = 1; i <= n_rows[load, target]; i++)
        sum += cell[load, target, column, i]
    return sum + 0
}

# The latency at a percentile of the curve "PERCENT:VALUE,..." in that column, over the rounds.
function at_percent(load, target, percent, column,    i, j, n, points, point, count, values) {
    for (i = 1; i <= n_rows[load, target]; i++) {
        n = split(cell[load, target, column, i], points, ",")
        for (j = 1; j <= n; j++)
            if (split(points[j], point, ":") == 2 && point[1] + 0 == percent)
                values[++count] = point[2] + 0
    }
    return median(values, count)
}

function bytes(n) {
    return n >= 1048576 && n % 1048576 == 0 ? n / 1048576 " MiB" : n >= 1024 && n % 1024 == 0 ? n / 1024 " KiB" : n " B"
}

# Three digits; thousands are set off.
function digits(v,    text, left) {
    if (v == "")
        return "-"
    if (v == 0)
        return "0"
    if (v < 100)
        return sprintf(v < 1 ? "%.3f" : v < 10 ? "%.2f" : "%.1f", v)
    text = sprintf("%.0f", v)
    for (left = ""; length(text) > 3; text = substr(text, 1, length(text) - 3))
        left = "," substr(text, length(text) - 2) left
    return text left
}

function rounds() {
    return about["rounds"] (about["rounds"] == 1 ? " round" : " rounds")
}

function times(v, own) {
    return own > 0 && v != "" ? digits(v / own) : "-"
}

function title(load,    part) {
    split(load, part, "/")
    sub(/^c/, "", part[2])
    if (part[1] == "noop")
        return "HTTP, no-op, closed loop, " part[2] (part[2] == 1 ? " connection" : " connections")
    if (part[1] == "open")
        return "HTTP, no-op, open loop, " digits(part[2]) " requests/s"
    if (part[1] == "echo")
        return "HTTP, echo of " bytes(part[2]) ", closed loop, 1 connection"
    if (part[1] == "chain")
        return "HTTP, chain of " part[2] (part[2] == 1 ? " nested call" : " nested calls") ", closed loop, 1 connection"
    if (part[1] == "nested")
        return "nested call of a no-op with " bytes(part[2]) ", timed inside the caller"
    return load == "cold" ? "cold start: from deploying a function to its first answer" : \
        load == "idle" ? "CPU when idle, all processes, of one CPU" : \
        load == "memory" ? "memory of all processes (PSS)" : load
}
