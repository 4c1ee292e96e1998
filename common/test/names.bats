# That nw_ and nw__ say who uses a name, in this tree; and that names.sh finds what is named otherwise, in a small tree.

setup() {
    bats_require_minimum_version 1.5.0
    NAMES=$BATS_TEST_DIRNAME/names.sh
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/include" "$TREE/low/test" "$TREE/high"
    echo 'void nw_offered(void);' >"$TREE/include/offered.h"
    source_file low/low.h 'void nw__own(void);' 'static inline void nw_inline(void) { nw__own(); }'
    source_file low/low.c 'void nw__own(void) {}' 'void nw_low(void) {}' 'void nw_offered(void) {}' \
        'int nw_thing_is_valid(void) { return 1; }' 'void nw_tried(void) {}' 'void nw__tried(void) {}'
    source_file low/more.c '#include "low/low.h"' 'void nw__more(void) { nw__own(); }'
    source_file low/test/test.c 'void nw_tried(void); void nw__tried(void);' 'int main(void) { nw_tried(); nw__tried(); }'
    source_file high/high.c '#include "low/low.h"' 'void nw_low(void);' 'int main(void) { nw_low(); nw_inline(); }'
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
    (cd "$TREE" && "$NAMES" build)
}

@test "names in this tree say who uses them" {
    cd "$BATS_TEST_DIRNAME/../.."
    run -0 "$NAMES" "$NW_BUILD"
    [ -z "$output" ]
}

@test "nothing is said of names that say so" {
    run -0 check
    [ -z "$output" ]
}

@test "a private name that another folder uses is found" {
    source_file high/high.c 'void nw__more(void); void nw_low(void);' 'int main(void) { nw_low(); nw__more(); }'
    run -1 check
    [ "$output" = 'low: nw__more is used in high/high: name it nw_more' ]
}

@test "a name for all that no other folder uses is found" {
    source_file high/high.c 'int main(void) {}'
    run -1 check
    [ "$output" = 'low: nw_low is used in no other folder: name it nw__low' ]
}
