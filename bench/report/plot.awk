# Draws for the views beside this file: bars and lines as SVG, with no resource from elsewhere, for light and dark.
#
# A line plot is what the caller has put into the series: begin_series, then add_point for each point of it, then plot.

BEGIN {
    LEFT = 62; WIDTH = 396; BOTTOM = 280; HEIGHT = 268 # of the field of a line plot
}

function escaped(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    gsub(/"/, "\\&quot;", text)
    return text
}

# The class that colours a target: Nightward's own are blue, others take the rest in turn.
function colour(target,    i) {
    if (target == "nightward")
        return "c0"
    if (target == "nightward-process" || target == "nightward-pinned") # no plot has both
        return "c1"
    if (!(target in colour_of)) {
        i = 2 + n_colours++ % 6
        colour_of[target] = "c" i
    }
    return colour_of[target]
}

function palette(light, dark,    i, n, a, b, text) {
    n = split(light, a, " ")
    split(dark, b, " ")
    for (i = 1; i <= n; i++)
        text = text sprintf(".c%d{--c:%s}", i - 1, a[i])
    text = text "@media(prefers-color-scheme:dark){"
    for (i = 1; i <= n; i++)
        text = text sprintf(".c%d{--c:%s}", i - 1, b[i])
    return text "}"
}

# What every drawing needs, in a page or alone.
function drawing_style() {
    return ":root{--ink:#1f2328;--dim:#656d76;--grid:#e3e6ea;--paper:#ffffff}" \
        "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--grid:#2d333b;--paper:#0f1318}}" \
        palette("#1f6feb #74a9f5 #d1651a #2b9348 #8a63d2 #b83280 #0f8b8d #8c6d1f", \
                "#58a6ff #3d7dd8 #f0883e #56c271 #b392f0 #f778ba #39c5cf #d4b04c") \
        "svg text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--dim)}" \
        "svg text.strong{fill:var(--ink);font-weight:600}svg text.value{fill:var(--ink)}svg text.mark{fill:var(--c)}" \
        ".grid{stroke:var(--grid);stroke-width:1}.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}" \
        ".line.second{stroke-dasharray:4 4;stroke-width:1.5}.dot{fill:var(--c);stroke:var(--paper);stroke-width:1}" \
        ".spread{stroke:var(--c);stroke-width:1;opacity:.55}.bar{fill:var(--c)}.paper{fill:var(--paper)}"
}

# Microseconds with a unit that fits.
function duration(us) {
    return us < 1 ? digits(us * 1000) " ns" : us < 1000 ? digits(us) " µs" : us < 1000000 ? digits(us / 1000) " ms" : \
        digits(us / 1000000) " s"
}

# Bars of one load and column: bars(Y, HEADING, LOAD, COLUMN) draws from Y down and returns where it ended. Nothing when
# no target has it.
function bars(y, heading, load, column,    t, v, most, shown, width, text) {
    for (t = 1; t <= n_targets; t++) {
        v = value(load, targets[t], column)
        if (v != "" && v > most)
            most = v
    }
    if (!most)
        return y
    printf "<text class=\"strong\" x=\"16\" y=\"%d\">%s</text>\n", y + 14, escaped(heading)
    y += 22
    for (t = 1; t <= n_targets; t++) {
        v = value(load, targets[t], column)
        if (v == "")
            continue
        width = v / most * 430
        text = column == RATE ? digits(v) " /s" : duration(v)
        shown = column == RATE ? digits(LOW) " to " digits(HIGH) " /s" : duration(LOW) " to " duration(HIGH)
        printf "<g class=\"%s\"><title>%s: %s, rounds %s</title>", colour(targets[t]), escaped(targets[t]), text, shown
        printf "<text x=\"150\" y=\"%d\" text-anchor=\"end\">%s</text>", y + 12, escaped(targets[t])
        printf "<rect class=\"bar\" x=\"158\" y=\"%d\" width=\"%.1f\" height=\"14\" rx=\"2\"/>", y + 1, \
            (width < 1.5 ? 1.5 : width)
        printf "<text class=\"value\" x=\"%.1f\" y=\"%d\">%s</text></g>\n", 164 + width, y + 12, text
        y += 20
    }
    return y + 12
}

# How high the bars of a load are.
function bars_height(load, column,    t, rows) {
    for (t = 1; t <= n_targets; t++)
        if (value(load, targets[t], column) != "")
            rows++
    return rows ? 34 + 20 * rows : 0
}

# The comparison in a few bars.
function summary(    n, i, part, height, y, list, rows) {
    n = split("HTTP no-op, 1 connection, p50 (lower is better)|noop/c1|5;" \
              "HTTP no-op, 32 connections (higher is better)|noop/c32|8;" \
              "HTTP echo of 1 MiB, p50 (lower is better)|echo/1048576|5;" \
              "nested call, 64 bytes, p50 (lower is better)|nested/64|5;" \
              "nested call, 64 KiB, p50 (lower is better)|nested/65536|5;" \
              "cold start of a function (lower is better)|cold|5", list, ";")
    height = 8
    for (i = 1; i <= n; i++) {
        split(list[i], part, "|")
        height += bars_height(part[2], part[3])
    }
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 %d\" role=\"img\">\n", height
    printf "<title>Nightward and other targets, side by side</title><style>%s</style>\n", drawing_style()
    printf "<rect class=\"paper\" width=\"720\" height=\"%d\" rx=\"6\"/>\n", height
    y = 10
    for (i = 1; i <= n; i++) {
        split(list[i], part, "|")
        y = bars(y, part[1], part[2], part[3])
    }
    print "</svg>"
}

function clear_series(    s) {
    n_series = 0
    split("", points_of)
    split("", px)
    split("", py)
}

# STYLE is "" or "second", a dashed line.
function begin_series(target, style) {
    n_series++
    series_target[n_series] = target
    series_style[n_series] = style
    points_of[n_series] = 0
}

# LABEL is shown when the pointer rests on it.
function add_point(x, y, low, high, label,    i) {
    i = ++points_of[n_series]
    px[n_series, i] = x; py[n_series, i] = y
    plow[n_series, i] = low; phigh[n_series, i] = high
    plabel[n_series, i] = label
}

function log10(v) {
    return log(v) / log(10)
}

function scaled(v, logarithmic) {
    return logarithmic ? log10(v) : v
}

function left_of(x) {
    return LEFT + WIDTH * (scaled(x, log_x) - x_least) / (x_greatest - x_least)
}

function top_of(y) {
    return BOTTOM - HEIGHT * (log10(y) - y_least) / (y_greatest - y_least)
}

# y runs over whole decades, or halves of them when there are few.
function find_ranges(    s, i, x, low, high) {
    x_least = y_least = 1e30
    x_greatest = y_greatest = -1e30
    for (s = 1; s <= n_series; s++)
        for (i = 1; i <= points_of[s]; i++) {
            x = scaled(px[s, i], log_x)
            low = log10(plow[s, i]); high = log10(phigh[s, i])
            if (x < x_least) x_least = x
            if (x > x_greatest) x_greatest = x
            if (low < y_least) y_least = low
            if (high > y_greatest) y_greatest = high
        }
    if (x_greatest <= x_least)
        x_greatest = x_least + 1
    y_least -= 0.08; y_greatest += 0.08
}

function horizontal_grid(    decade, i, v, steps, multiples) {
    steps = split(y_greatest - y_least < 2.2 ? "1 2 5" : "1", multiples, " ")
    for (decade = int(y_least) - 1; decade <= y_greatest; decade++)
        for (i = 1; i <= steps; i++) {
            v = multiples[i] * 10 ^ decade
            if (log10(v) < y_least || log10(v) > y_greatest)
                continue
            printf "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, LEFT + WIDTH, \
                top_of(v), top_of(v)
            printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 8, top_of(v) + 4, tick_duration(v)
        }
}

# Of a round number of microseconds.
function tick_duration(us) {
    return us < 0.9 ? sprintf("%.0f ns", us * 1000) : us < 900 ? sprintf("%.0f µs", us) : \
        us < 9e5 ? sprintf("%.0f ms", us / 1000) : sprintf("%.0f s", us / 1e6)
}

# TICKS: "VALUE:LABEL|..."
function vertical_ticks(ticks,    n, i, list, pair) {
    n = split(ticks, list, "|")
    for (i = 1; i <= n; i++) {
        split(list[i], pair, ":")
        if (scaled(pair[1], log_x) < x_least - 1e-9 || scaled(pair[1], log_x) > x_greatest + 1e-9)
            continue
        printf "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", left_of(pair[1]), left_of(pair[1]), \
            BOTTOM - HEIGHT, BOTTOM
        printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", left_of(pair[1]), BOTTOM + 18, pair[2]
    }
}

function draw_series(s,    i, path) {
    printf "<g class=\"%s\">", colour(series_target[s])
    for (i = 1; i <= points_of[s]; i++)
        path = path sprintf("%s%.1f %.1f", i > 1 ? "L" : "M", left_of(px[s, i]), top_of(py[s, i]))
    printf "<path class=\"line %s\" d=\"%s\"/>", series_style[s], path
    for (i = 1; i <= points_of[s]; i++) {
        printf "<g><title>%s</title><line class=\"spread\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", \
            escaped(plabel[s, i]), left_of(px[s, i]), left_of(px[s, i]), top_of(plow[s, i]), top_of(phigh[s, i])
        printf "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"/></g>", left_of(px[s, i]), top_of(py[s, i]), \
            series_style[s] == "second" ? 3 : 4
    }
    print "</g>"
}

# Names stand at the ends of the lines, moved apart where they would touch.
function draw_names(    s, i, j, n, at, order, swap, y) {
    for (s = 1; s <= n_series; s++)
        if (points_of[s] && series_style[s] == "") {
            order[++n] = s
            at[s] = top_of(py[s, points_of[s]])
        }
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && at[order[j - 1]] > at[order[j]]; j--) {
            swap = order[j]; order[j] = order[j - 1]; order[j - 1] = swap
        }
    y = -100
    for (i = 1; i <= n; i++) {
        s = order[i]
        y = at[s] < y + 15 ? y + 15 : at[s]
        printf "<text class=\"mark %s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", colour(series_target[s]), \
            left_of(px[s, points_of[s]]) + 8, y + 4, escaped(series_target[s])
    }
}

# Draws the series; nothing when they have no point.
function plot(heading, note, x_label, ticks,    s, any) {
    for (s = 1; s <= n_series; s++)
        any += points_of[s]
    if (!any)
        return
    find_ranges()
    printf "<figure><figcaption><b>%s</b> %s</figcaption>\n", heading, note
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 580 324\" role=\"img\">"
    horizontal_grid()
    vertical_ticks(ticks)
    for (s = 1; s <= n_series; s++)
        if (points_of[s])
            draw_series(s)
    draw_names()
    printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text></svg></figure>\n", LEFT + WIDTH / 2, \
        BOTTOM + 40, x_label
}
