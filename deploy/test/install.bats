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

@test "pkg-config names the installed copy, also for a static program" {
    local top=$PLACE/opt/nightward program=$BATS_TEST_TMPDIR/program flags
    command -v pkg-config >/dev/null || skip "pkg-config is not installed"
    export PKG_CONFIG_PATH=$top/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PLACE
    run -0 pkg-config --cflags --libs libprotect
    [[ $output == *"-I$top/include"*"-L$top/lib"*-lprotect* ]]
    read -ra flags < <(pkg-config --cflags --libs libprotect)
    cc -o "$program" "$ROOT/protect/example/thousand_keys.c" "${flags[@]}"
    readelf -d "$program" | grep -q 'NEEDED.*\[libprotect.so.1\]'
    read -ra flags < <(pkg-config --cflags --libs --static libprotect)
    cc -static -o "$program.static" "$ROOT/protect/example/thousand_keys.c" "${flags[@]}"
    ! readelf -d "$program.static" | grep NEEDED
}

@test "the library exports what the header declares and nothing else" {
    local top=$PLACE/opt/nightward declared exported
    declared=$(cc -E -P -I"$top/include" -include nightward/protect.h -x c /dev/null | grep -o 'nw_pkey_[a-z_]* *(' |
        tr -d ' (' | sort -u)
    exported=$(nm -D --defined-only "$top/lib/libprotect.so" | sed -n 's/.* T \(.*\)@@NW_PROTECT_1$/\1/p' | sort -u)
    [ -n "$declared" ] && [ "$declared" = "$exported" ]
    # Of the archive too, nothing but these can clash with a program's own names.
    [ "$(nm -g --defined-only "$top/lib/libprotect.a" | sed -n 's/.* [TDBR] //p' | sort -u)" = "$declared" ]
}

@test "every function has a manual page" {
    local top=$PLACE/opt/nightward name
    command -v scdoc >/dev/null || skip "scdoc is not installed"
    for name in $(nm -D --defined-only "$top/lib/libprotect.so" | sed -n 's/.* T \(.*\)@@.*/\1/p'); do
        grep -q "\b$name\b" "$top/share/man/man3/$name.3"
    done
}

@test "the service is one that systemd takes, of the program that was installed" {
    local unit=$BATS_TEST_TMPDIR/nightward.service
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    # The manual is not where man looks for it, and the program below another root.
    sed "s|=/opt|=$PLACE/opt|; /^Documentation=/d" "$PLACE/opt/nightward/lib/systemd/system/nightward.service" >"$unit"
    run -0 systemd-analyze verify "$unit"
    [ -z "$output" ] || { echo "$output"; false; }
    [ -x "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")" ]
}

@test "uninstall removes what install put there, and nothing else" {
    local top=$PLACE/opt/nightward
    mkdir -p "$top/include/faas/mine"
    : >"$top/bin/other"
    make -s -C "$ROOT" B="$NW_BUILD" DESTDIR="$PLACE" PREFIX=/opt/nightward uninstall
    [ "$(find "$PLACE" ! -type d)" = "$top/bin/other" ]
    [ -d "$top/include/faas/mine" ]
    [ ! -e "$top/libexec/nightward" ] && [ ! -e "$top/include/nightward" ]
}
