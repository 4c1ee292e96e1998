# What bench/scale measured, to a table and the file `json`. Input: about.tsv (KEY VALUE), scale_targets.tsv (NAME TEXT UNIT TARGET),
# scale.tsv (NAME value VALUE UNIT, or NAME skipped REASON), notes (note TEXT), all tab-separated. A line is the median of its
# values, with the least and the greatest.

BEGIN { FS = "\t" }
FILENAME ~ /about\.tsv$/ { about[++n_about] = $1; value_of[$1] = $2; next }
FILENAME ~ /scale_targets\.tsv$/ { text[$1] = $2; unit[$1] = $3; target[$1] = $4; see($1, 0); next }
$1 == "note" { notes[++n_notes] = $2; next }
$2 == "value" && $3 != "" { see($1, 1); values[$1, ++n[$1]] = $3; unit_said[$1] = $4; next }
$2 == "value" { see($1, 1); if (!($1 in skipped)) skipped[$1] = "nothing was answered"; next }
$2 == "skipped" { see($1, 1); skipped[$1] = $3; if (!(group($1) in why)) why[group($1)] = $3 }

function group(name) {
    return substr(name, 1, index(name "/", "/") - 1)
}

function see(name, used) {
    if (!(name in known)) { known[name]; names[++n_names] = name }
    if (used) measured[name]
}

function sort(name,    i, j, t) {
    for (i = 2; i <= n[name]; i++)
        for (j = i; j > 1 && values[name, j - 1] + 0 > values[name, j] + 0; j--) {
            t = values[name, j]; values[name, j] = values[name, j - 1]; values[name, j - 1] = t
        }
}

function meets(value, what,    part) {
    split(what, part, " ")
    if (part[1] == ">=") return value >= part[2] + 0
    return part[1] == "<" ? value < part[2] + 0 : value <= part[2] + 0
}

function quoted(string) {
    gsub(/\\/, "\\\\", string)
    gsub(/"/, "\\\"", string)
    gsub(/[\001-\037]/, " ", string)
    return "\"" string "\""
}

function range(name) {
    return n[name] > 1 ? "[" values[name, 1] " .. " values[name, n[name]] "]" : ""
}

function show(name,    middle, verdict) {
    sort(name)
    middle = values[name, int((n[name] + 1) / 2)] + 0
    verdict = target[name] == "" ? "" : meets(middle, target[name]) ? "met" : "missed"
    printf "%-24s %10s %-3s %-22s %-8s %-7s %s\n", name, middle, unit_of(name), \
        range(name), target[name], verdict, text[name]
    printf "%s\n    {\"name\": %s, \"unit\": %s, \"median\": %s, \"least\": %s, \"greatest\": %s, \"n\": %d, \"target\": %s, \"met\": %s}", \
        comma, quoted(name), quoted(unit_of(name)), middle, values[name, 1] + 0, values[name, n[name]] + 0, n[name], \
        quoted(target[name]), (verdict == "" ? "null" : verdict == "met" ? "true" : "false") >json
    comma = ","
}

# What has no line among the targets is of another mode or size.
function unit_of(name) {
    return name in unit ? unit[name] : unit_said[name]
}

# Lines of a group that could not be measured are all named.
function is_asked_for(name) {
    if (index(" " value_of["groups"] " ", " " group(name) " ") == 0) return 0
    skipped[name] = group(name) in why ? why[group(name)] : "not with these flags"
    return 1
}

function show_skipped(name) {
    printf "%-24s    skipped: %s\n", name, skipped[name]
    printf "%s\n    {\"name\": %s, \"skipped\": %s}", comma, quoted(name), quoted(skipped[name]) >json
    comma = ","
}

END {
    printf "{\n" >json
    for (i = 1; i <= n_about; i++) {
        printf "%s: %s\n", about[i], value_of[about[i]]
        printf "  %s: %s,\n", quoted(about[i]), quoted(value_of[about[i]]) >json
    }
    printf "\n%-24s %10s %-3s %-22s %-8s\n", "line", "median", "", "[least .. greatest]", "target"
    printf "  \"lines\": [" >json
    for (i = 1; i <= n_names; i++) {
        if (!(names[i] in measured) && !is_asked_for(names[i])) continue
        if (n[names[i]]) show(names[i])
        else show_skipped(names[i])
    }
    printf "\n  ],\n  \"notes\": [" >json
    for (i = 1; i <= n_notes; i++) {
        print "note: " notes[i]
        printf "%s\n    %s", (i > 1 ? "," : ""), quoted(notes[i]) >json
    }
    printf "\n  ]\n}\n" >json
}
