# The view of bench/compare as a page that needs nothing but itself.

END {
    head()
    if (n_loads)
        side_by_side()
    mixes()
    print "</main></body></html>"
}

function side_by_side() {
    print "<section>"
    summary()
    print "</section><section class=\"plots\">"
    percentiles("noop/c1")
    percentiles("noop/c32")
    throughput()
    sweep("echo", "Echo over HTTP, by payload")
    sweep("nested", "Nested call, by payload")
    print "</section>"
    tables()
}

function style() {
    return "body{margin:0;background:var(--paper);color:var(--ink)}" \
        "body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}" \
        "main{max-width:1080px;margin:0 auto;padding:24px 20px 64px}" \
        "h1{font-size:24px;margin:0 0 4px}h2{font-size:15px;margin:28px 0 6px}p,dl{color:var(--dim);margin:4px 0}" \
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:12px 0 24px}" \
        "dt{color:var(--ink)}dt.mark{color:var(--c);font-weight:600}dd{margin:0}" \
        "svg{width:100%;height:auto;display:block}section>svg{max-width:720px}" \
        ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:28px}" \
        "figure{margin:24px 0 0}figcaption{color:var(--dim);font-size:13px}" \
        "figcaption b{color:var(--ink);font-size:15px;display:block}" \
        ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}" \
        "th,td{padding:3px 10px;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}" \
        "td{font-variant-numeric:tabular-nums}th{color:var(--dim);font-weight:400}" \
        "th:first-child,td:first-child{text-align:left;padding-left:0}" \
        "td:first-child{color:var(--c);font-weight:600}small{color:var(--dim)}"
}

function head(    t) {
    print "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    print "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    print "<meta name=\"color-scheme\" content=\"light dark\">"
    printf "<title>Nightward side by side, %s</title><style>%s%s</style></head><body><main>\n", about["date"], \
        drawing_style(), style()
    print "<h1>Nightward side by side</h1>"
    if (!n_loads)
        return
    printf "<p>%s, the targets in turn, %s s for each load. Medians over the rounds; whiskers and brackets are the " \
        "least and the greatest. Compare within this page: other machines and other hours have other times.</p><dl>\n", \
        rounds(), about["seconds"]
    fact("machine", about["processor"] ", " about["cpus"] " CPUs, " about["kernel"])
    fact("client", about["client"])
    fact("when", about["date"] "; load average " about["load"])
    for (t = 1; t <= n_targets; t++)
        printf "<dt class=\"mark %s\">%s</dt><dd>%s; %s</dd>\n", colour(targets[t]), escaped(targets[t]), \
            escaped(what[targets[t]]), escaped(pinned[targets[t]])
    print "</dl>"
}

function fact(name, text) {
    printf "<dt>%s</dt><dd>%s</dd>\n", name, escaped(text)
}

# x is the number of nines.
function percentiles(load,    t, i, n, list, v) {
    clear_series()
    log_x = 0
    n = split("10 25 50 75 90 95 99 99.9 99.99", list, " ")
    for (t = 1; t <= n_targets; t++) {
        begin_series(targets[t], "")
        for (i = 1; i <= n; i++) {
            v = at_percent(load, targets[t], list[i], CURVE)
            if (v != "" && LOW > 0)
                add_point(-log10(1 - list[i] / 100), v, LOW, HIGH, targets[t] ", p" list[i] ": " duration(v))
        }
    }
    plot("Latency by percentile", title(load), "percentile", \
        "0.30103:50%|1:90%|2:99%|3:99.9%|4:99.99%")
}

# The open loads, at the rate that was asked for.
function throughput(    t, column, most, step, v, ticks) {
    clear_series()
    log_x = 0
    most = 0
    for (column = P50; column <= P99; column++)
        for (t = 1; t <= n_targets; t++) {
            begin_series(targets[t], column == P50 ? "second" : "")
            v = open_points(targets[t], column)
            if (v > most)
                most = v
        }
    step = most > 40000 ? 20000 : most > 20000 ? 10000 : most > 8000 ? 5000 : 1000
    for (v = 0; v <= most; v += step)
        ticks = ticks "|" v ":" digits(v)
    plot("Latency by throughput", "no-op, open loop: from when a request was due to its answer; p99, dashed p50", \
        "requests that fall due in a second", substr(ticks, 2))
}

# Adds those of a target; returns the greatest rate.
function open_points(target, column,    l, part, rate, v, most) {
    for (l = 1; l <= n_loads; l++) {
        split(loads[l], part, "/")
        if (part[1] != "open")
            continue
        rate = value(loads[l], target, RATE)
        v = value(loads[l], target, column)
        if (v == "" || LOW <= 0)
            continue
        add_point(part[2], v, LOW, HIGH, target ", " digits(part[2]) "/s due, " digits(rate) "/s answered: " \
            (column == P50 ? "p50 " : "p99 ") duration(v))
        if (part[2] > most + 0)
            most = part[2]
    }
    return most
}

function sweep(kind, heading,    t, l, part, v) {
    clear_series()
    log_x = 1
    for (t = 1; t <= n_targets; t++) {
        begin_series(targets[t], "")
        for (l = 1; l <= n_loads; l++) {
            split(loads[l], part, "/")
            v = part[1] == kind ? value(loads[l], targets[t], P50) : ""
            if (v != "" && LOW > 0)
                add_point(part[2], v, LOW, HIGH, targets[t] ", " bytes(part[2]) ": p50 " duration(v))
        }
    }
    plot(heading, "p50", "payload", "1:1 B|16:16 B|256:256 B|4096:4 KiB|65536:64 KiB|1048576:1 MiB")
}

function between(text) {
    return LOW == "" ? text : text " <small>[" digits(LOW) " .. " digits(HIGH) "]</small>"
}

function tables(    l, t, load, target, own, p50) {
    for (l = 1; l <= n_loads; l++) {
        load = loads[l]
        printf "<h2>%s</h2><div class=\"scroll\"><table>\n", escaped(title(load))
        if (unit_of[load] == "us")
            print "<tr><th></th><th>p50, µs</th><th>p99, µs</th><th>p99.9, µs</th><th>requests/s</th>" \
                "<th>CPU, µs/request</th><th>errors</th><th>p50 over nightward's</th></tr>"
        own = value(load, "nightward", P50)
        for (t = 1; t <= n_targets; t++)
            if ((load, targets[t]) in has)
                row(load, targets[t], own)
        print "</table></div>"
    }
}

function row(load, target, own,    p50, rate) {
    p50 = value(load, target, P50)
    printf "<tr><td class=\"%s\">%s</td><td>%s</td>", colour(target), escaped(target), between(digits(p50))
    if (unit_of[load] != "us") {
        printf "<td>%s</td></tr>\n", unit_of[load]
        return
    }
    printf "<td>%s</td>", digits(value(load, target, P99))
    printf "<td>%s</td>", digits(value(load, target, P999))
    rate = value(load, target, RATE)
    printf "<td>%s</td>", between(digits(rate))
    printf "<td>%s</td><td>%d</td>", digits(value(load, target, CPU)), total(load, target, ERRORS)
    printf "<td>%s</td></tr>\n", times(p50, own)
}

# Latency by the rate at which requests fall due: solid lines one percentile, dashed ones another.
function mix_plot(mix, column, solid, dashed, whose,    t, pass, i, load, v, x, most, step, ticks) {
    clear_series()
    log_x = 0
    most = 0
    for (pass = 1; pass <= 2; pass++)
        for (t = 1; t <= n_mix_targets; t++) {
            begin_series(mix_targets[t], pass == 1 ? "second" : "")
            for (i = 1; i <= n_mix_loads[mix]; i++) {
                load = "mix/" mix "/" mix_loads[mix, i]
                x = value(load, mix_targets[t], OFFERED)
                v = at_percent(load, mix_targets[t], pass == 1 ? dashed : solid, column)
                if (mix_loads[mix, i] == "most" || v == "" || LOW <= 0)
                    continue
                add_point(x, v, LOW, HIGH, mix_targets[t] ", " digits(x) "/s due: p" (pass == 1 ? dashed : solid) " " \
                    duration(v))
                if (x > most)
                    most = x
            }
        }
    step = most > 40000 ? 20000 : most > 20000 ? 10000 : most > 8000 ? 5000 : 1000
    for (v = 0; v <= most; v += step)
        ticks = ticks "|" v ":" digits(v)
    plot(mix ", " whose ": p" solid, mix_title(mix) "; dashed p" dashed, "requests that fall due in a second", \
        substr(ticks, 2))
}

function mix_cells(load, target, column,    i, n, list, text) {
    n = split("50 90 99 99.9 99.99", list, " ")
    for (i = 1; i <= n; i++)
        text = text "<td>" digits(at_percent(load, target, list[i], column)) "</td>"
    return text
}

function mix_table(mix,    i, t, load) {
    printf "<h2>%s: %s</h2><div class=\"scroll\"><table>\n", mix, mix_title(mix)
    print "<tr><th></th><th>load, %</th><th>due/s</th><th>answered/s</th><th>p50, µs</th><th>p90</th><th>p99</th>" \
        "<th>p99.9</th><th>p99.99</th><th>short: p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>p99.99</th>" \
        "<th>preemptions/s</th><th>client late, p99</th><th>refused</th><th>errors</th></tr>"
    for (i = 1; i <= n_mix_loads[mix]; i++)
        for (t = 1; t <= n_mix_targets; t++) {
            load = "mix/" mix "/" mix_loads[mix, i]
            if (!((load, mix_targets[t]) in has))
                continue
            printf "<tr><td class=\"%s\">%s</td><td>%s</td><td>%s</td>", colour(mix_targets[t]), \
                escaped(mix_targets[t]), mix_loads[mix, i], digits(value(load, mix_targets[t], OFFERED))
            printf "<td>%s</td>%s%s", digits(value(load, mix_targets[t], RATE)), mix_cells(load, mix_targets[t], CURVE), \
                mix_cells(load, mix_targets[t], SHORT)
            printf "<td>%s</td><td>%s</td>", digits(preemptions(load, mix_targets[t])), \
                digits(value(load, mix_targets[t], LATE))
            printf "<td>%d</td><td>%d</td></tr>\n", total(load, mix_targets[t], REFUSED), \
                total(load, mix_targets[t], ERRORS)
        }
    print "</table></div>"
}

function overload_table(    i, t, load) {
    printf "<h2>overload: %s</h2><div class=\"scroll\"><table>\n", mix_title("overload")
    print "<tr><th></th><th>load, %</th><th>due/s</th><th>answered/s</th><th>over the peak</th><th>refused</th>" \
        "<th>refused within, p99, µs</th><th>errors</th></tr>"
    for (i = 1; i <= n_mix_loads["overload"]; i++)
        for (t = 1; t <= n_mix_targets; t++) {
            load = "mix/overload/" mix_loads["overload", i]
            if (!((load, mix_targets[t]) in has))
                continue
            printf "<tr><td class=\"%s\">%s</td><td>%s</td><td>%s</td>", colour(mix_targets[t]), \
                escaped(mix_targets[t]), mix_loads["overload", i], digits(value(load, mix_targets[t], OFFERED))
            printf "<td>%s</td><td>%s</td><td>%d</td>", digits(value(load, mix_targets[t], RATE)), \
                over_peak("overload", mix_targets[t], load), total(load, mix_targets[t], REFUSED)
            printf "<td>%s</td><td>%d</td></tr>\n", digits(value(load, mix_targets[t], REFUSED_P99)), \
                total(load, mix_targets[t], ERRORS)
        }
    print "</table></div>"
}

# The section; nothing when bench/tail measured nothing here.
function mixes(    m, t) {
    if (!n_mixes)
        return
    print "<h2>Short requests beside long ones</h2><dl>"
    fact("machine", mix_about["processor"] ", " mix_about["cpus"] " CPUs, " mix_about["kernel"])
    fact("client", mix_about["client"] "; latency counts from when a request was due")
    fact("when", mix_about["date"] "; load average " mix_about["load"] "; version " mix_about["version"] "; " \
        mix_about["rounds"] " rounds of " mix_about["seconds"] " s, targets in turn")
    for (t = 1; t <= n_mix_targets; t++)
        printf "<dt class=\"mark %s\">%s</dt><dd>%s; %s</dd>\n", colour(mix_targets[t]), escaped(mix_targets[t]), \
            escaped(what[mix_targets[t]]), escaped(pinned[mix_targets[t]])
    print "</dl><section class=\"plots\">"
    for (m = 1; m <= n_mixes; m++) {
        if (mix_names[m] == "overload")
            continue
        mix_plot(mix_names[m], CURVE, 99, 50, "all")
        mix_plot(mix_names[m], CURVE, 99.99, 99.9, "all")
        mix_plot(mix_names[m], SHORT, 99, 50, "short ones")
    }
    print "</section>"
    for (m = 1; m <= n_mixes; m++)
        if (mix_names[m] == "overload")
            overload_table()
        else
            mix_table(mix_names[m])
}
