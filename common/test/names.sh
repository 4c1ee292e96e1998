#!/usr/bin/env bash
# Checks that names say who may use them: names.sh BUILD, at the root of a tree that is built in BUILD. A symbol nw_NAME is
# what a folder offers to others, so an object of another folder, or a test, needs it; nw__NAME stays within its folder, but
# for tests. Prints each symbol of which the objects say otherwise, and fails when there is one. What a header of the folder
# uses of its own counts for the folder, and so do names that include/ offers to other programs, and nw_NAME_is_valid, which
# common/base/valid.h makes of the name of a structure.
set -euo pipefail

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find . -mindepth 1 \( -name '.*' -o -name 'build*' -o -name fuzz \) -prune -o -regex '.*\.\(c\|cc\|S\)' -print |
    sed 's|^\./||; s|\.[^.]*$||' >"$work/sources"

# "FOLDER SYMBOL OBJECT": used in another folder though private; "FOLDER SYMBOL": used in no other folder though public.
# Objects without a source of that name are other builds of a source, or left from one that is gone.
suspects() {
    find "$build/obj" -name '*.o' -print0 | xargs -0r nm -A -P | awk -v build="$build" -v sources="$work/sources" '
        BEGIN { while ((getline line < sources) > 0) known[line] = 1 }
        function path_of(object) {
            sub(/:$/, "", object)
            object = substr(object, length(build "/obj/") + 1)
            sub(/^pic\//, "", object)
            sub(/\.o$/, "", object)
            return object
        }
        function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
        $2 !~ /^nw_/ { next }
        { path = path_of($1); folder = folder_of(path); test = path ~ /\/test\// }
        !(path in known) { next }
        $3 ~ /^[TDBRVWCu]$/ && !test { defined[$2] = defined[$2] " " folder " "; in_folder[$2] = folder }
        $3 ~ /^[Uvw]$/ { users[$2]++; user[$2, users[$2]] = path; tests[$2, users[$2]] = test }
        END {
            for (name in defined) {
                wanted = 0
                for (i = 1; i <= users[name]; i++) {
                    if (index(defined[name], " " folder_of(user[name, i]) " ")) continue
                    wanted = 1
                    if (name ~ /^nw__/ && !tests[name, i]) print in_folder[name], name, user[name, i]
                }
                if (name !~ /^nw__/ && name !~ /_is_valid$/ && !wanted) print in_folder[name], name
            }
        }' | sort
}

bad=0
while read -r folder symbol user; do
    if [ -z "$user" ]; then
        grep -qrw -- "$symbol" include && continue
        echo "$folder: $symbol is used in no other folder: name it nw__${symbol#nw_}"
    else
        grep -qw -- "$symbol" "$user".* || continue # an inline function uses it
        echo "$folder: $symbol is used in $user: name it nw_${symbol#nw__}"
    fi
    bad=1
done < <(suspects)
exit "$bad"
