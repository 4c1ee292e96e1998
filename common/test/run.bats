# The test runner: what it counts, what it shows, and that nothing that goes wrong passes for success.

setup() {
    bats_require_minimum_version 1.5.0
    RUN=$BATS_TEST_DIRNAME/run.sh
    unset NW_SANITIZED # this test may itself be run with it
    mkdir -p "$BATS_TEST_TMPDIR/build/test" "$BATS_TEST_TMPDIR/part/e2e"
    cd "$BATS_TEST_TMPDIR"
}

# program NAME: a test program with the commands of standard input
program() {
    { echo '#!/bin/bash'; cat; } >"build/test/$1"
    chmod +x "build/test/$1"
}

last_line() {
    echo "${lines[-1]}"
}

@test "counts what passes, fails and is skipped, and names what was skipped and why" {
    program good <<<'printf "1..3\nok 1 - a\nno keys here\nnot ok 2 # SKIP b\nok 3 c # skip no sound\n"'
    program bad <<<'printf "1..2\nok 1 - d\nnot ok 2 - e\n# why it failed\n"; exit 1'
    run -1 "$RUN" build build/test/good build/test/bad
    [ "$(last_line)" = "2 passed, 1 failed, 2 skipped" ]
    [[ $output == *"skipped: b: no keys here"* ]]
    [[ $output == *"skipped: c: no sound"* ]]
    [[ $output == *"| # why it failed"* ]]
}

@test "a program that passes shows one line, and the run its time before the totals" {
    program good <<<'printf "1..1\nok 1 - a\n"'
    run -0 "$RUN" build build/test/good
    [ "${#lines[@]}" -eq 3 ]
    [[ ${lines[0]} =~ ^ok\ +good\ .*,\ [0-9]+\ s$ ]]
    [[ ${lines[1]} =~ ^took\ [0-9]+\ s\;\ one\ after\ another\ they\ take\ [0-9]+\ s$ ]]
    [ "$(last_line)" = "1 passed, 0 failed, 0 skipped" ]
}

@test "a crash, a missing result and a bad exit status are failures" {
    program crash <<<'printf "1..2\nok 1 - a\n"; kill -SEGV $$'
    program short <<<'printf "1..2\nok 1 - a\n"'
    program leak <<<'printf "1..1\nok 1 - a\n"; echo leaked >&2; exit 66'
    run -1 "$RUN" build build/test/crash build/test/short build/test/leak
    [ "$(last_line)" = "3 passed, 3 failed, 0 skipped" ]
    [[ $output == *"signal 11"* && $output == *"1 of 2 tests"* && $output == *"| leaked"* ]]
}

@test "a program that never ends is a failure" {
    program endless <<<'printf "1..1\n"; sleep 1000'
    NW_TEST_TIMEOUT=1 run -1 "$RUN" build build/test/endless
    [[ $output == *"timed out after 1 s"* ]]
    [ "$(last_line)" = "0 passed, 1 failed, 0 skipped" ]
    [[ $output == *"one after another they take "[1-9]* ]]
}

@test "a bats file may say how long it takes" {
    printf '# timeout: 1\n@test "endless" {\n    sleep 1000\n}\n' >slow.bats
    run -1 "$RUN" build -- slow.bats
    [[ $output == *"timed out after 1 s"* ]]
}

@test "exit status 77 skips the whole program with its last words" {
    program absent <<<'echo "this machine has no such device"; exit 77'
    run -0 "$RUN" build build/test/absent
    [[ $output == *"skipped: absent: this machine has no such device"* ]]
    [ "$(last_line)" = "0 passed, 0 failed, 1 skipped" ]
}

@test "a failure is no skip, whatever the exit status" {
    program liar <<<'printf "1..1\nnot ok 1 - a\n"; exit 77'
    run -1 "$RUN" build build/test/liar
    [ "$(last_line)" = "0 passed, 1 failed, 0 skipped" ]
}

@test "a program without TAP counts by its exit status" {
    program silent <<<'exit 0'
    program broken <<<'exit 3'
    run -1 "$RUN" build build/test/silent build/test/broken build/test/missing
    [ "$(last_line)" = "1 passed, 2 failed, 0 skipped" ]
}

@test "end-to-end files run in each mode, and mpk is skipped by name where it cannot run" {
    printf '@test "mode" { [ "$NW_TEST_MODE" != none ]; }\n@test "build" { [ -d "$NW_BUILD/test" ]; }\n' >part/e2e/x.bats
    program mode-usable <<<'exit 0'
    run -1 "$RUN" build -- part/e2e/x.bats
    [ "$(last_line)" = "5 passed, 1 failed, 0 skipped" ]
    [[ $output == *"FAIL  part/e2e/x [none]"* ]]
    program mode-usable <<<'echo "this CPU has no protection keys"; exit 1'
    run -1 "$RUN" build -- part/e2e/x.bats
    [ "$(last_line)" = "3 passed, 1 failed, 2 skipped" ]
    [[ $output == *"part/e2e/x in mode mpk: this CPU has no protection keys"* ]]
    program mode-usable <<<'exit 2'
    run -1 "$RUN" build -- part/e2e/x.bats
    [ "$(last_line)" = "5 passed, 1 failed, 0 skipped" ]
}

@test "what a sanitizer reports of any process is a failure, and shown" {
    program child <<<'printf "1..1\nok 1 - a\n"; log=${ASAN_OPTIONS##*log_path=}; echo "use after free" >"$log.$$"'
    program after <<<'printf "1..1\nok 1 - b\n"'
    run -1 "$RUN" build build/test/child build/test/after
    [ "$(last_line)" = "2 passed, 1 failed, 0 skipped" ]
    [[ $output == *"reports of a sanitizer: 1"*"| use after free"* ]]
    program child <<<'printf "1..1\nok 1 - a\n"; echo "==1==WARNING: AddressSanitizer failed to allocate 0x8 bytes" >"${ASAN_OPTIONS##*log_path=}.$$"'
    run -0 "$RUN" build build/test/child
    program child <<<'printf "1..1\nok 1 - a\n"; echo "==1==Unable to get registers from thread 2." >"${ASAN_OPTIONS##*log_path=}.$$"'
    run -0 "$RUN" build build/test/child
    program child <<<'log=${UBSAN_OPTIONS##*log_path=}; echo "no such shift" >"$log.$$"; exit 77'
    run -1 "$RUN" build build/test/child
    [ "$(last_line)" = "0 passed, 2 failed, 0 skipped" ]
    [[ $output == *"| no such shift"* ]]
}

@test "a failed check of a structure in a sanitized process is a failure, though its parent says nothing" {
    printf '#include "common/base/valid.h"\nint main(void) { nw_check_that(1 == 2); }\n' >"$BATS_TEST_TMPDIR/check.c"
    "${CC:-cc}" -DNW_DEBUG -fsanitize=address -I"$BATS_TEST_DIRNAME/../.." -o "$BATS_TEST_TMPDIR/check" "$BATS_TEST_TMPDIR/check.c"
    program child <<<"$BATS_TEST_TMPDIR/check"' || true; printf "1..1\nok 1 - a\n"'
    run -1 "$RUN" build build/test/child
    [ "$(last_line)" = "1 passed, 1 failed, 0 skipped" ]
    [[ $output == *"does not hold: 1 == 2"* ]]
}

@test "end-to-end files that ask for it run once more with the sanitized programs" {
    printf '# sanitized: yes\n@test "programs" { [ -z "$NW_TEST_PROGRAMS" ]; }\n' >part/e2e/x.bats
    program mode-usable <<<'exit 0'
    run -0 "$RUN" build -- part/e2e/x.bats
    NW_SANITIZED=/sanitized run -1 "$RUN" build -- part/e2e/x.bats
    [ "$(last_line)" = "3 passed, 1 failed, 0 skipped" ]
    [[ $output == *"FAIL  part/e2e/x [none, sanitized]"* ]]
}

# meet NAME OTHER: commands of a program that succeeds once the other has begun, too
meet() {
    echo "touch began.$1; until [ -e began.$2 ]; do read -rt 0.01 <> <(:) || true; done"
}

@test "as many run side by side as was said" {
    meet a b | program a
    meet b a | program b
    NW_TEST_JOBS=2 NW_TEST_TIMEOUT=20 run -0 "$RUN" build build/test/a build/test/b
    rm began.*
    NW_TEST_JOBS=1 NW_TEST_TIMEOUT=1 run -1 "$RUN" build build/test/a build/test/b
    [[ $output == *"timed out after 1 s"* ]]
}

@test "what waits runs beside what works" {
    meet a b | program a
    meet b a | program b
    NW_WAITING_TESTS=build/test/b NW_TEST_JOBS=1 NW_TEST_TIMEOUT=20 run -0 "$RUN" build build/test/a build/test/b
    rm began.*
    printf '# waits: yes\n@test "x" {\n%s\n}\n' "$(meet b a)" >waits.bats
    NW_TEST_JOBS=1 NW_TEST_TIMEOUT=20 run -0 "$RUN" build build/test/a -- waits.bats
    [ "$(last_line)" = "2 passed, 0 failed, 0 skipped" ]
    rm began.*
    NW_WAITING_TESTS='build/test/a build/test/b' NW_TEST_JOBS=1 NW_TEST_TIMEOUT=1 run -1 "$RUN" build build/test/a build/test/b
}

@test "each run has the settings that it was asked for with" {
    printf '# sanitized: yes\n# threads: each\n@test "x" { echo "$NW_TEST_MODE ${NW_TEST_THREADS:-} ${NW_TEST_PROGRAMS:-}" >>"%s"; }\n' \
        "$PWD/settings" >part/e2e/x.bats
    program mode-usable <<<'exit 0'
    NW_SANITIZED=/s NW_TEST_JOBS=1 run -0 "$RUN" build -- part/e2e/x.bats
    [ "$(cat settings)" = $'mpk  \nmpk 2 \nprocess  \nnone  \nnone  /s' ]
}

@test "what may take long begins first" {
    program short <<<'[ -e long.began ]'
    program long <<<'touch long.began'
    NW_TEST_JOBS=1 NW_SLOW_TESTS=build/test/long run -0 "$RUN" build build/test/short build/test/long
}

# A shell's background jobs begin with SIGINT ignored; what the runner starts must not.
@test "a program starts with SIGINT at its default" {
    program mask <<<'mask=$(sed -n "s/^SigIgn:\t//p" /proc/self/status); exit $((0x$mask >> 1 & 1))'
    run -0 "$RUN" build build/test/mask
}

@test "an interrupted run takes its program along" {
    program endless <<<'echo $$ >pid; exec sleep 1000'
    "$RUN" build build/test/endless >/dev/null 3>&- &
    local runner=$! deadline=$((SECONDS + 20)) status=0
    until [ "$(cat "/proc/$(cat pid)/comm")" = sleep ] 2>/dev/null; do [ "$SECONDS" -lt "$deadline" ]; done
    kill "$runner"
    wait "$runner" || status=$?
    [ "$status" -eq 130 ]
    while kill -0 "$(<pid)" 2>/dev/null; do [ "$SECONDS" -lt "$deadline" ]; done
}
