# Event loops of libraries that people use, in functions of profile compute.

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

# loop NAME SOURCE HEADER EXPECT [LIBRARY]: builds the function, deploys it, and calls it again and again.
loop() {
    local compiler=$CC language=c so=$BATS_TEST_TMPDIR/$1.so i
    [ "${2##*.}" = c ] || { compiler=$CXX language=c++; }
    echo "#include <$3>" | $compiler -E -x "$language" - >/dev/null 2>&1 || skip "$3 is not installed"
    $compiler -O1 -g -D_GNU_SOURCE -fPIC -shared -I"$NW_ROOT" -I"$NW_ROOT/include" -x "$language" \
        "$NW_ROOT/engine/test/e2e/loops/$2" -o "$so" -x none ${5:+"$5"}
    nw_deploy "$1" "$so"
    for i in 1 2 3; do
        nw_expect "$1" '' "$4"
    done
}

@test "a loop of libuv runs" {
    loop uv uv.c uv.h awt -luv
}

@test "a loop of libevent runs" {
    loop event event.c event2/event.h epollpt -levent
}

@test "a loop of asio runs" {
    loop asio asio.cc asio.hpp at
}
