# Input: lines "NAME UNIT P50 P99 P999 N", tab-separated, many for each name and sorted by it. Takes the median of each
# column, prints a table with the spread of p50, then what follows from it; writes the array of results to `json`.

BEGIN {
    FS = "\t"
    format = "%-28s %12s %-4s [%10s .. %10s]  p99 %11s  p99.9 %11s\n"
    printf "[" >json
}

$1 != name { finish() }
{
    name = $1; unit = $2; lines++
    p50[lines] = $3; p99[lines] = $4; p999[lines] = $5; n += $6
}
END {
    finish()
    print "\n]" >json
    conclude()
}

function median(values, count,    i, j, t) {
    for (i = 2; i <= count; i++)
        for (j = i; j > 1 && values[j - 1] + 0 > values[j] + 0; j--) {
            t = values[j]; values[j] = values[j - 1]; values[j - 1] = t
        }
    return values[int((count + 1) / 2)] + 0
}

function finish(    middle) {
    if (lines) {
        middle = median(p50, lines)
        printf format, name, middle, unit, p50[1], p50[lines], median(p99, lines), median(p999, lines)
        printf "%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"p50\": %s, \"p99\": %s, \"p999\": %s, \"n\": %d}", comma, name, \
            unit, middle, median(p99, lines), median(p999, lines), n >json
        result[name] = middle
        tail[name] = median(p99, lines)
        comma = ","
    }
    lines = n = 0
}

function ratio(text, a, b) {
    if (b > 0)
        printf "%-64s %6.2f\n", text, a / b
}

# The sizes at which the ring is faster than the other transport.
function crossover(other,    size, first, last) {
    for (size = 1; size <= 16777216; size *= 4)
        if (result["transport/ring/" size] < result["transport/" other "/" size]) {
            first = first ? first : size
            last = size
        }
    if (first)
        printf "the ring is faster than %-4s from %d to %d bytes\n", other, first, last
    else
        printf "the ring is slower than %s at every size\n", other
}

function conclude(    floor) {
    floor = result["gate_floor"]
    print ""
    ratio("nested_call/mpk/64 over gate_floor", result["nested_call/mpk/64"], floor)
    ratio("nested_call/mpk/64, p99, over gate_floor", tail["nested_call/mpk/64"], floor)
    if (result["nested_call/mpk/64"])
        ratio("what isolation costs: nested_call mpk less none, over gate_floor",
              result["nested_call/mpk/64"] - result["nested_call/none/64"], floor)
    ratio("syscall/mediated over syscall/native", result["syscall/mediated"], result["syscall/native"])
    crossover("unix")
    crossover("tcp")
}
