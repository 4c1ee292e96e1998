#!/usr/bin/env bash
# Runs the tests: run.sh BUILD_DIR PROGRAM... [-- BATS_FILE...]. Each program runs in a process group of its own with a
# timeout (NW_TEST_TIMEOUT seconds, 120 by default; a line "# timeout: N" in a bats file asks for more, and programs
# among NW_SLOW_TESTS get five times as long) and reports TAP. As many run side by side as there are processors
# (NW_TEST_JOBS), those that may take long first. Those that wait most of the time leave the processors to others: as many
# of them again run beside (programs among NW_WAITING_TESTS, bats files with a line "# waits: yes").
#
# As each ends, one line of it with the seconds it took; the whole output of one that failed; every skipped test with its
# reason; last the time that all took, the sum of their times, and the totals.
# Exit status 77 of a program skips all of it; a crash or a timeout is a failure. Bats files in an e2e folder run once
# per isolation mode. Tests find the build in NW_BUILD and the mode in NW_TEST_MODE. Programs among NW_IO_TESTS run once
# with each event loop of the engine, named by NW_TEST_IO; so does, in the first mode, a bats file with a line "# io: each".
# Programs among NW_THREAD_TESTS, and in the first mode bats files with a line "# threads: each", run once more with two
# threads of the engine (NW_TEST_THREADS). NW_SANITIZED, if set, names a folder with the programs of BUILD_DIR/bin built
# with sanitizers (but the worker, which none can be in) and host/, those of BUILD_DIR/test/engine/host: the programs with
# two threads run with these (NW_TEST_HOST), and bats files with a line "# sanitized: yes" once more (NW_TEST_PROGRAMS).
# What a sanitizer reports of any process is a failure, whatever else becomes of that.
set -euo pipefail

NW_BUILD=$(cd "$1" && pwd)
export NW_BUILD CMOCKA_MESSAGE_OUTPUT=TAP
shift
time_limit=${NW_TEST_TIMEOUT:-120}
jobs=${NW_TEST_JOBS:-$(nproc)}
passed=0 failed=0 skipped=0 seconds_of_all=0
declare -A label_of=() limit_of=() kind_of=() folder_of=() start_of=() # of each that runs, by pid
declare -a works=() waits=()                                          # what is to be run, a command line each
declare -A running=([works]=0 [waits]=0)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# handle_abort: checks of our own structures (common/base/valid.h) end with an abort.
asan_options=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1:detect_stack_use_after_return=1:handle_abort=1:
ubsan_options=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1:

# timeout makes a process group of itself and the program; before it has, there is only itself.
kill_all() {
    local pid
    for pid in "${!label_of[@]}"; do
        kill -- "-$pid" 2>/dev/null || kill "$pid" 2>/dev/null || true
    done
}
trap 'kill_all; exit 130' INT TERM

# count_tap < OUTPUT: "P F S PLAN" on the first line, then "name: reason" of each skipped test. cmocka says "not ok 2 #
# SKIP name" after the reason on a line of its own; bats says "ok 2 name # skip reason".
count_tap() {
    awk '
        /^1\.\.[0-9]+/ { plan = substr($1, 4); next }
        /^(not )?ok [0-9]+/ {
            line = $0
            sub(/^(not )?ok [0-9]+ (- )?/, "", line)
            if (match(line, /# (SKIP|skip)/)) {
                name = substr(line, 1, RSTART - 2)
                rest = substr(line, RSTART + RLENGTH + 1)
                text = text "\n" (name == "" ? rest ": " last : name ": " rest)
                s++
            } else if (/^not/) f++
            else p++
            last = "no reason given"
            next
        }
        NF { last = $0; sub(/^skip(ped)?: /, "", last) }
        END { printf "%d %d %d %d%s\n", p, f, s, plan, text }' "$1"
}

how_it_ended() {
    case $1 in
    124 | 137) echo "timed out after $2 s" ;;
    *) if [ "$1" -gt 128 ]; then echo "killed by signal $(($1 - 128))"; else echo "exit status $1"; fi ;;
    esac
}

show_skips() {
    [ -z "$1" ] || printf '%s\n' "$1" | sed 's/^/        skipped: /'
}

# report LABEL P F S SECONDS NOTE
report() {
    local word=ok
    [ "$4" -eq 0 ] || [ "$2" -gt 0 ] || word=skip
    [ "$3" -eq 0 ] || word=FAIL
    printf '%-4s  %-40s %s\n' "$word" "$1" "$2 passed, $3 failed, $4 skipped, $5 s${6:+ ($6)}"
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4)) seconds_of_all=$((seconds_of_all + $5))
}

# judge LABEL TIMEOUT STATUS FOLDER SECONDS: what became of one that has ended
judge() {
    local label=$1 limit=$2 status=$3 output=$4/output reports=$4/reports seconds=$5 p f s plan note='' skips complaints
    { read -r p f s plan; skips=$(cat); } < <(count_tap "$output")
    # Two lines are no complaints: an allocation that fails, which tests ask for on purpose; and a thread that ended while
    # leaks were looked for, whose registers hold nothing any more.
    complaints=$({ grep -rlv -e 'WARNING: AddressSanitizer failed to allocate' -e 'Unable to get registers from thread' \
        "$reports" || true; } | wc -l)
    if [ "$status" -eq 77 ] && [ $((p + f + complaints)) -eq 0 ]; then
        report "$label" 0 0 $((s > 0 ? s : 1)) "$seconds"
        show_skips "${skips:-$label: $(cat "$output" "$output.err" | tail -n 1)}"
        return
    fi
    local reported=$((p + f + s))
    if [ "$reported" -lt "$plan" ]; then
        f=$((f + plan - reported))
    elif [ "$f" -eq 0 ] && [ "$status" -ne 0 ]; then
        f=1
    elif [ "$reported" -eq 0 ]; then
        p=1
    fi
    [ "$f" -eq 0 ] || note="$(how_it_ended "$status" "$limit"), $reported of $plan tests reported"
    [ "$complaints" -eq 0 ] || note="${note:+$note, }reports of a sanitizer: $complaints"
    f=$((f + complaints))
    report "$label" "$p" "$f" "$s" "$seconds" "$note"
    show_skips "$skips"
    [ "$f" -eq 0 ] || find "$output" "$output.err" "$reports" -type f -exec cat {} + | sed 's/^/        | /'
}

# Waits until one or more of those that run have ended. A job that a signal ended may be gone for wait -n, but never for
# wait and its pid.
await_end() {
    local pid status alive
    wait -n "${!label_of[@]}" 2>/dev/null || true
    alive=" $(jobs -pr | tr '\n' ' ')"
    for pid in "${!label_of[@]}"; do
        [[ $alive != *" $pid "* ]] || continue
        status=0
        wait "$pid" || status=$?
        judge "${label_of[$pid]}" "${limit_of[$pid]}" "$status" "${folder_of[$pid]}" $((SECONDS - start_of[$pid]))
        rm -rf "${folder_of[$pid]}"
        running[${kind_of[$pid]}]=$((running[${kind_of[$pid]}] - 1))
        unset "label_of[$pid]" "limit_of[$pid]" "kind_of[$pid]" "folder_of[$pid]" "start_of[$pid]"
    done
}

# start KIND LABEL TIMEOUT COMMAND...
start() {
    local kind=$1 label=$2 limit=$3 folder pid
    shift 3
    folder=$(mktemp -d "$work/XXXXXX")
    mkdir "$folder/reports" # a file for each process that a sanitizer complains of
    ASAN_OPTIONS=${asan_options}log_path=$folder/reports/asan UBSAN_OPTIONS=${ubsan_options}log_path=$folder/reports/ubsan \
        timeout --kill-after=10 "$limit" "$@" >"$folder/output" 2>"$folder/output.err" </dev/null &
    pid=$!
    label_of[$pid]=$label limit_of[$pid]=$limit kind_of[$pid]=$kind folder_of[$pid]=$folder start_of[$pid]=$SECONDS
    running[$kind]=$((running[$kind] + 1))
}

# run KIND LABEL TIMEOUT COMMAND...: with the settings NW_TEST_*, once there is room
run() {
    local -n queue=$1
    local name settings=()
    for name in "${!NW_TEST_@}"; do settings+=("$name=${!name}"); done
    queue+=("$(printf '%q ' start "${@:1:3}" env "${settings[@]}" "${@:4}")")
}

start_those_with_room() {
    local kind
    for kind in works waits; do
        local -n queue=$kind
        while [ "${#queue[@]}" -gt 0 ] && [ "${running[$kind]}" -lt "$jobs" ]; do
            eval "${queue[0]}"
            queue=("${queue[@]:1}")
        done
    done
}

run_all() {
    start_those_with_room
    while [ "${#label_of[@]}" -gt 0 ]; do
        await_end
        start_those_with_room
    done
}

time_of() {
    local asked
    case $1 in
    *.bats) asked=$(sed -n 's/^# timeout: //p' "$1") && echo "${asked:-$time_limit}" ;;
    *) if [[ " ${NW_SLOW_TESTS:-} " == *" $1 "* ]]; then echo $((5 * time_limit)); else echo "$time_limit"; fi ;;
    esac
}

kind_of_test() {
    case $1 in
    *.bats) if grep -q '^# waits: yes' "$1"; then echo waits; else echo works; fi ;;
    *) if [[ " ${NW_WAITING_TESTS:-} " == *" $1 "* ]]; then echo waits; else echo works; fi ;;
    esac
}

run_bats() {
    run "$(kind_of_test "$2")" "$1" "$(time_of "$2")" bats --formatter tap "$2"
}

run_with_each_io() {
    local label=${1#*test/} io reason answer=0 kind
    kind=$(kind_of_test "$1")
    reason=$("$NW_BUILD/test/io-usable") || answer=$?
    for io in uring uv; do
        if [ "$io" = uring ] && [ "$answer" -eq 1 ]; then
            report "$label [uring]" 0 0 1 0
            show_skips "all of $label with io_uring: $reason"
            continue
        fi
        NW_TEST_IO=$io run "$kind" "$label [$io]" "$time_limit" "$1"
    done
    case " ${NW_THREAD_TESTS:-} " in
    *" $1 "*)
        NW_TEST_IO=auto NW_TEST_THREADS=2 NW_TEST_HOST=${NW_SANITIZED:+$NW_SANITIZED/host} \
            run "$kind" "$label [auto, 2 threads${NW_SANITIZED:+, sanitized}]" "$time_limit" "$1"
        ;;
    esac
}

run_in_each_mode() {
    local file=$1 label=$2 mode reason answer=0
    reason=$("$NW_BUILD/test/mode-usable") || answer=$?
    for mode in mpk process none; do
        if [ "$mode" = mpk ] && [ "$answer" -eq 1 ]; then
            report "$label [mpk]" 0 0 "$(bats --count "$file")" 0
            show_skips "every test of $label in mode mpk: $reason"
            continue
        fi
        NW_TEST_MODE=$mode run_bats "$label [$mode]" "$file"
        if [ "$mode" = mpk ] && grep -q '^# io: each' "$file"; then
            NW_TEST_MODE=$mode NW_TEST_IO=uv run_bats "$label [$mode, io uv]" "$file"
        fi
        if [ "$mode" = mpk ] && grep -q '^# threads: each' "$file"; then
            NW_TEST_MODE=$mode NW_TEST_THREADS=2 run_bats "$label [$mode, 2 threads]" "$file"
        fi
    done
    # In a mode that every machine has.
    if [ -n "${NW_SANITIZED:-}" ] && grep -q '^# sanitized: yes' "$file"; then
        NW_TEST_MODE=none NW_TEST_PROGRAMS=$NW_SANITIZED run_bats "$label [none, sanitized]" "$file"
    fi
}

run_test() {
    local label=${1%.bats}
    case $1 in
    */e2e/*.bats | */compat/*.bats) run_in_each_mode "$1" "$label" ;;
    *.bats) run_bats "$label" "$1" ;;
    *) if [[ " ${NW_IO_TESTS:-} " == *" $1 "* ]]; then
        run_with_each_io "$1"
    else
        run "$(kind_of_test "$1")" "${1#*test/}" "$(time_of "$1")" "$1"
    fi ;;
    esac
}

# Begun last, one that takes long would run by itself at the end.
for long in yes no; do
    for test in "$@"; do
        if [ "$test" != -- ] && [ "$long" = "$([ "$(time_of "$test")" -gt "$time_limit" ] && echo yes || echo no)" ]; then
            run_test "$test"
        fi
    done
done
run_all
printf 'took %d s; one after another they take %d s\n' "$SECONDS" "$seconds_of_all"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
