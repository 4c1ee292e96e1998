# What `make install` leaves behind is enough to build and run a program with libprotect.

setup() {
    bats_require_minimum_version 1.5.0
    ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    PLACE=$BATS_TEST_TMPDIR/place
    unset MAKEFLAGS MFLAGS
    make -s -C "$ROOT" B="$NW_BUILD" DESTDIR="$PLACE" PREFIX=/opt/nightward install
}

@test "a program builds against the installed header and libraries" {
    local top=$PLACE/opt/nightward program=$BATS_TEST_TMPDIR/program
    [ -L "$top/lib/libprotect.so" ]
    [ -f "$top/lib/libnwguard.so" ]
    grep -qx 'prefix=/opt/nightward' "$top/lib/pkgconfig/libprotect.pc"
    cc -I"$top/include" -o "$program" "$ROOT/protect/example/thousand_keys.c" -L"$top/lib" -lprotect
    cc -I"$top/include" -pthread -o "$program.static" "$ROOT/protect/example/thousand_keys.c" "$top/lib/libprotect.a"
    cc -x c++ -I"$top/include" -include nightward/protect.h -fsyntax-only /dev/null
    LD_LIBRARY_PATH=$top/lib "$program" >"$program.out" 2>&1 || grep 'cannot use protection keys' "$program.out" ||
        { cat "$program.out"; false; }
    grep -q 'cannot use protection keys' "$program.out" && skip "$(tail -n 1 "$program.out")"
    grep -q '0 could be read' "$program.out"
    run -0 "$program.static"
    [[ $output == *"0 could be read"* ]]
}
