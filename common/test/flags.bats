# The build: what was compiled with other flags is compiled again, and nothing else is.

setup() {
    unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES MFLAGS # this test may itself be run by make
    cd "$BATS_TEST_DIRNAME/../.."
    BUILD=$BATS_TEST_TMPDIR/build
}

# compiled FLAG...: how many files make compiles with these flags, of four that it is asked for
compiled() {
    make --no-print-directory B="$BUILD" "$@" \
        "$BUILD"/{obj/common/base/status.o,obj/pic/protect/guard/guard_syscall.o,functions/hello/hello.so,functions/cpp/cpp.so} |
        grep -cv 'up to date' || true
}

@test "what was compiled with other flags or another compiler is compiled again" {
    [ "$(compiled)" -eq 4 ]
    [ "$(compiled)" -eq 0 ]
    for flag in OPT=-O1 CC=gcc SANITIZE=-fsanitize=undefined NO_GUESSES=; do
        [ "$(compiled $flag)" -eq 4 ]
    done
    [ "$(compiled $flag)" -eq 0 ]
    [ "$(compiled)" -eq 4 ]
}

@test "make help and make -n with other flags change nothing" {
    [ "$(compiled)" -eq 4 ]
    [ "$(compiled OPT=-O1 -n)" -ge 4 ]
    make --no-print-directory B="$BUILD" OPT=-O1 help
    [ "$(compiled)" -eq 0 ]
}
