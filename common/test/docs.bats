# What the documentation says of the tree, held against the tree.

setup() {
    cd "$BATS_TEST_DIRNAME/../.."
    mapfile -t DOCS < <(ls README.md docs/*.md docs/*/*.md)
}

# paths_named FILE...: "FILE PATH" for every path of the tree that a text names between backticks. Not those of a build,
# nor such as stand for many (NAME, <part>).
paths_named() {
    local tops
    tops=$(printf '%s|' bench common deploy docs engine functions include launcher protect worker)
    grep -oHE '`[^`]+`' "$@" | tr -d '`' | sed -E 's/:/ /' |
        awk -v "tops=^(${tops%|})/" '{ for (i = 2; i <= NF; i++) if ($i ~ tops && $i !~ /[A-Z<]{2,}/) print $1, $i }' |
        sed -E 's/[,;:.)]+$//' | sort -u
}

# A path or pattern of the tree, or the name of a test program as run.sh shows it, such as engine/attacks.
is_there() {
    compgen -G "$1" >/dev/null || [ -e "${1%/*}/test/${1##*/}_test.c" ] ||
        compgen -G "${1%%/*}/test/*/${1##*/}_test.c" >/dev/null || [ -e "${1%%/*}/fuzz/${1#*/}_fuzz.c" ] ||
        grep -qF "call test,$1," ./*/part.mk ./*/test/part.mk ./*/test/*/part.mk
}

@test "every path that the documentation names exists" {
    local file path missing=''
    [ "$(paths_named "${DOCS[@]}" | wc -l)" -ge 40 ]
    while read -r file path; do
        is_there "$path" || missing+="$file: $path"$'\n'
    done < <(paths_named "${DOCS[@]}")
    [ -z "$missing" ] || { printf '%s' "$missing"; return 1; }
}

@test "every link to a file of the tree leads there" {
    local file target missing=''
    while IFS=: read -r file target; do
        target=${target#](} target=${target%)} target=${target%%#*}
        [ -z "$target" ] || [ -e "$(dirname "$file")/$target" ] || missing+="$file: $target"$'\n'
    done < <(grep -oHE '\]\([^)]+\)' "${DOCS[@]}" | grep -v '](http')
    [ -z "$missing" ] || { printf '%s' "$missing"; return 1; }
}

@test "the map has the folders of the layers, with the questions that they answer" {
    diff docs/architecture.md <(common/test/map.sh) || { echo 'write it again: make docs/architecture.md'; return 1; }
}

@test "every object whose flags are set by name has a source" {
    local object missing=''
    while read -r object; do
        compgen -G "$object.[cS]*" >/dev/null || missing+="$object"$'\n'
    done < <(grep -hE '^\$\(B\)/obj/[^ ]*\.o:' ./*/part.mk ./*/*/part.mk | grep -oE 'obj/[a-z_/0-9]+\.o' |
        sed -E 's#^obj/((holds|without|pic)/)?##; s#\.o$##' | sort -u)
    [ -z "$missing" ] || { printf '%s' "$missing"; return 1; }
}
