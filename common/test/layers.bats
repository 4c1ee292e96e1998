# That calls go down only, in this tree; and that layers.sh finds what goes up or round, in a small tree made up for it.

setup() {
    bats_require_minimum_version 1.5.0
    LAYERS=$BATS_TEST_DIRNAME/layers.sh
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/house/low" "$TREE/house/high" "$TREE/house/side" "$TREE/other"
    cat >"$TREE/layers.txt" <<'END'
part house
house/low   What is below?
house/high  What is above?
& house/side  What is beside it?

part other uses house
other       Who uses the house?
END
    source_file house/low/low.h 'void nw_low(void);'
    source_file house/low/low.c '#include "house/low/low.h"' 'void nw_low(void) {}'
    source_file house/high/high.c '#include "house/low/low.h"' 'void nw_high(void) { nw_low(); }'
    source_file house/side/side.c '#include "house/low/low.h"' 'void nw_side(void) { nw_low(); }'
    source_file other/other.c 'void nw_high(void);' 'void nw_other(void) { nw_high(); }'
}

# source_file PATH LINE...: a source or header of the tree with these lines
source_file() {
    printf '%s\n' "${@:2}" >"$TREE/$1"
}

check() {
    local source
    for source in $(cd "$TREE" && find . -name '*.c'); do
        mkdir -p "$TREE/build/obj/$(dirname "$source")"
        (cd "$TREE" && ${CC:-cc} -I. -c -o "build/obj/${source%.c}.o" "$source")
    done
    (cd "$TREE" && "$LAYERS" build layers.txt)
}

@test "calls in this tree go down only" {
    cd "$BATS_TEST_DIRNAME/../.."
    run "$LAYERS" "$NW_BUILD"
    [ "$status" -eq 0 ] || { tail -n 40 <<<"$output" && false; }
    # What needs LLVM is not built where that is missing.
    local left_out=nothing
    command -v llvm-config-14 >/dev/null || left_out=^deploy/callscan/
    output=$(grep "not built" <<<"$output" | grep -v "$left_out" || true)
    [ -z "$output" ] || { echo "$output" && false; }
}

@test "nothing is said of a tree where all calls go down" {
    run -0 check
    [ -z "$output" ]
}

@test "an upward include is found" {
    source_file house/high/high.h '#define NW_HIGH 1'
    source_file house/low/low.c '#include "house/low/low.h"' '#include "house/high/high.h"' 'void nw_low(void) {}'
    run -1 check
    [ "${lines[0]}" = 'house/low/low.c -> house/high/high.h: #include "house/high/high.h"' ]
    [ "${lines[1]}" = "house: 1 violations, at most 0" ]
}

@test "an upward symbol is found" {
    source_file house/low/low.c 'void nw_high(void);' 'void nw_low(void) { nw_high(); }'
    run -1 check
    [ "${lines[0]}" = "house/low/low.c -> house/high/high.c: nw_high" ]
}

@test "what stands beside is not used, nor a part that is not named" {
    source_file house/side/side.c 'void nw_high(void);' 'void nw_other(void);' 'void nw_side(void) { nw_high(); nw_other(); }'
    run -1 check
    [[ $output == *"house/side/side.c -> house/high/high.c: nw_high"* ]]
    [[ $output == *"house/side/side.c -> other/other.c: nw_other"* ]]
    [[ $output == *"house: 2 violations"* ]]
}

@test "a circle within a folder is found, of objects and of headers" {
    source_file house/high/high.c 'void nw_two(void);' 'void nw_high(void) { nw_two(); }'
    source_file house/high/two.c 'void nw_three(void);' 'void nw_two(void) { nw_three(); }'
    source_file house/high/three.c 'void nw_high(void);' 'void nw_three(void) { nw_high(); }'
    source_file house/high/user.c 'void nw_high(void);' 'void nw_user(void) { nw_high(); }'
    run -1 check
    [ "${lines[0]}" = "circle: house/high/high.c house/high/three.c house/high/two.c" ]
    [ "${lines[1]}" = "house: 3 violations, at most 0" ]
    source_file house/high/three.c 'void nw_three(void) {}'
    source_file house/high/a.h '#include "house/high/b.h"'
    source_file house/high/b.h '#include "house/high/a.h"'
    run -1 check
    [ "${lines[0]}" = "circle: house/high/a.h house/high/b.h" ]
}

@test "a folder that is not named is an error, and a named one without sources" {
    mkdir "$TREE/house/new"
    source_file house/new/new.c 'int nw_new;'
    run -1 check
    [ "${lines[0]}" = "house/new: holds sources, but is not named" ]
    rm -r "$TREE/house/new"
    echo "house/gone  What is not there?" >>"$TREE/layers.txt"
    run -1 check
    [ "${lines[0]}" = "house/gone: named, but holds no sources" ]
}

@test "a part may have as many violations as it is allowed, and no more" {
    source_file house/low/low.c 'void nw_high(void);' 'void nw_low(void) { nw_high(); }'
    sed -i 's/^part house$/part house at most 1/' "$TREE/layers.txt"
    run -0 check
    [ "${lines[1]}" = "house: 1 violations, at most 1" ]
    source_file house/low/more.c 'void nw_side(void);' 'void nw_more(void) { nw_side(); }'
    run -1 check
    [ "${lines[2]}" = "house: 2 violations, at most 1" ]
}

@test "a symbol that whoever links a layer defines goes up, if the list says so" {
    source_file house/low/low.c 'void nw_high(void);' 'void nw_low(void) { nw_high(); }'
    echo 'supplied nw_high' >>"$TREE/layers.txt"
    run -0 check
    [ -z "$output" ]
}

@test "a source that is not built is named, a test may use everything" {
    mkdir -p "$TREE/house/low/test"
    source_file house/low/test/low_test.c 'void nw_high(void);' 'void nw_low_test(void) { nw_high(); }'
    run -0 check
    [ -z "$output" ]
    rm "$TREE/build/obj/other/other.o"
    cd "$TREE" && run -0 "$LAYERS" build layers.txt
    [ "$output" = "other/other.c: not built" ]
}
