#!/usr/bin/env bash
# Checks that calls go down only: layers.sh BUILD [LAYERS_FILE], at the root of a tree that is built in BUILD. Each
# #include "..." of a source or header, and each symbol of ours (nw_...) that an object needs of another folder's objects,
# must lie in the same folder or in one that layers.txt puts lower; within a folder neither headers nor objects may use
# one another in a circle. Of a symbol that several folders define, the definition counts that may be used. Prints the
# violations of each part and how many there are, and fails when that is more than layers.txt allows. Names sources that
# are not built, since nothing is known of their symbols.
set -euo pipefail

build=$1
layers=${2:-common/test/layers.txt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Tests may use everything, and nobody uses them.
find . -mindepth 1 \( -name '.*' -o -name 'build*' -o -name test -o -name fuzz \) -prune -o \
    -regex '.*\.\(c\|cc\|S\|h\|hpp\|def\|inc\)' -print | sed 's|^\./||' | sort >"$work/sources"

object_of() {
    local kind
    for kind in obj obj/pic; do
        [ ! -e "$build/$kind/${1%.*}.o" ] || { echo "$build/$kind/${1%.*}.o" && return; }
    done
}

# What the awk below reads: "F file", "I file included-name", "D file symbol" (defined), "U file
# symbol" (undefined), "N file" (not built).
: >"$work/objects"
{
    sed 's/^/F /' "$work/sources"
    xargs -r grep -HE '^[ \t]*#[ \t]*include[ \t]*"' <"$work/sources" |
        sed -E 's/^([^:]*):[^"]*"([^"]*)".*/I \1 \2/'
    while read -r source; do
        case $source in *.c | *.cc | *.S) ;; *) continue ;; esac
        object=$(object_of "$source")
        if [ -n "$object" ]; then echo "$source $object" >>"$work/objects"; else echo "N $source"; fi
    done <"$work/sources"
    cut -d' ' -f2 "$work/objects" | xargs -r nm -A -P | awk -v objects="$work/objects" '
        BEGIN { while ((getline line < objects) > 0) { split(line, word, " "); source[word[2]] = word[1] } }
        { file = source[substr($1, 1, length($1) - 1)] }
        $2 !~ /^nw_/ { next }
        $3 ~ /^[TDBRVWCu]$/ { print "D", file, $2 }
        $3 ~ /^[Uvw]$/ { print "U", file, $2 }'
} >"$work/facts"

awk '
    function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
    function violation(of_part, text) { count[of_part]++; texts[of_part] = texts[of_part] text "\n" }

    # May folder a use folder b?
    function allowed(a, b,    n, i, names) {
        if (a == b) return 1
        if (b in part && part[a] == part[b]) return rank[b] < rank[a]
        n = split(uses[part[a]], names, " ")
        for (i = 1; i <= n; i++)
            if ((b in part && part[b] == names[i]) || index(b "/", names[i] "/") == 1) return 1
        return 0
    }

    # Which of two definitions of a symbol is meant, if the folder itself has none?
    function better(user, one, other) {
        if (allowed(user, one) != allowed(user, other)) return allowed(user, one)
        return part[one] == part[user] && part[other] != part[user]
    }

    # Files of one folder: who uses whom is kept, to look for circles.
    function edge(from, to, name,    a, b) {
        a = folder_of(from); b = folder_of(to)
        if (!(a in part)) return
        if (!allowed(a, b)) violation(part[a], from " -> " to ": " name)
        else if (a == b && from != to) inside[from] = inside[from] " " to
    }

    function layers_line(    i, folder) {
        if ($1 == "part") {
            now = $2; order[++parts] = now; most[now] = 0; count[now] = 0
            for (i = 3; i <= NF; i++) {
                if ($i == "at" && $(i + 1) == "most") { most[now] = $(i + 2); break }
                if ($i != "uses") uses[now] = uses[now] " " $i
            }
            return
        }
        if ($1 == "supplied") {
            for (i = 2; i <= NF; i++) supplied[$i] = 1
            return
        }
        if ($1 == "&") folder = $2
        else { folder = $1; level++ }
        if (folder in part) violation(now, folder ": named twice")
        if ($NF == "(whole)") whole[folder] = 1
        part[folder] = now; rank[folder] = level; named[++folders] = folder
    }

    function include(from, name,    to) {
        if (name in file) to = name
        else if ((folder_of(from) "/" name) in file) to = folder_of(from) "/" name
        else if (("include/" name) in file) to = "include/" name
        else if (name ~ /^\.\.\// && ((folder_of(folder_of(from)) substr(name, 3)) in file))
            to = folder_of(folder_of(from)) substr(name, 3)
        else if (name ~ /\//) to = name # a test
        else return # not ours
        edge(from, to, "#include \"" name "\"")
    }

    function symbol(from, name,    n, i, files, best) {
        if (name in supplied) return
        n = split(defined[name], files, " ")
        for (i = 1; i <= n; i++) {
            if (folder_of(files[i]) == folder_of(from)) { best = files[i]; break }
            if (best == "" || better(folder_of(from), folder_of(files[i]), folder_of(best))) best = files[i]
        }
        if (best != "") edge(from, best, name)
    }

    # Marks in seen all that a file uses, of its own folder, itself or through others.
    function reach(from, start,    n, i, next_ones) {
        n = split(inside[from], next_ones, " ")
        for (i = 1; i <= n; i++)
            if (!((start, next_ones[i]) in seen)) { seen[start, next_ones[i]] = 1; reach(next_ones[i], start) }
    }

    function circles(    i, j, text, done) {
        for (i = 1; i <= files_seen; i++) if (sources[i] in inside) reach(sources[i], sources[i])
        for (i = 1; i <= files_seen; i++) {
            if (sources[i] in done || !((sources[i], sources[i]) in seen)) continue
            text = ""
            for (j = i; j <= files_seen; j++)
                if (((sources[i], sources[j]) in seen) && ((sources[j], sources[i]) in seen)) {
                    done[sources[j]] = 1
                    text = text " " sources[j]
                    if (j > i) count[part[folder_of(sources[i])]]++
                }
            violation(part[folder_of(sources[i])], "circle:" text)
        }
    }

    function result(of_part) {
        if (!count[of_part] && !most[of_part]) return
        printf "%s", texts[of_part]
        print of_part ": " count[of_part] " violations, at most " most[of_part]
        if (count[of_part] > most[of_part]) bad = 1
    }

    FNR == NR { if (NF && $1 !~ /^#/) layers_line(); next }
    $1 == "F" { file[$2] = 1; sources[++files_seen] = $2; holds[folder_of($2)] = $2 }
    $1 == "I" { from[++includes] = $2; what[includes] = $3 }
    $1 == "D" { if (!(($2, $3) in known)) { known[$2, $3] = 1; defined[$3] = defined[$3] " " $2 } }
    $1 == "N" { if (!(folder_of($2) in whole)) print $2 ": not built" }
    $1 == "U" { user[++symbols] = $2; needs[symbols] = $3 }
    END {
        for (i = 1; i <= folders; i++)
            if (!(named[i] in holds)) violation(part[named[i]], named[i] ": named, but holds no sources")
        for (i = 1; i <= files_seen; i++) {
            folder = folder_of(sources[i])
            if (!(folder in part) && !(folder in told)) {
                told[folder] = bad = 1
                print folder ": holds sources, but is not named"
            }
        }
        for (i = 1; i <= includes; i++) include(from[i], what[i])
        for (i = 1; i <= symbols; i++) symbol(user[i], needs[i])
        circles()
        for (i = 1; i <= parts; i++) if (count[order[i]] <= most[order[i]]) result(order[i])
        for (i = 1; i <= parts; i++) if (count[order[i]] > most[order[i]]) result(order[i])
        exit bad + 0
    }' "$layers" "$work/facts"
