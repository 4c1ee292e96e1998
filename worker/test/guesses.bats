#!/usr/bin/env bats
# What of the monitor's code a predictor could lead elsewhere.

build=${NW_BUILD:-build}

# The functions of an object file that jump or call through a register or memory, but by the way that nobody can teach.
through_pointers() {
    objdump -dr --no-show-raw-insn "$1" |
        awk '/^[0-9a-f]+ <.*>:$/ { f = $2 } /\t(notrack )?(jmp|call) +\*/ { print FILENAME, f }' | sort -u
}

# The objects of the monitor: not what runs in domains, nor what is not in the worker.
of_the_monitor() {
    find "$build/obj/worker" -name '*.o' ! -path '*/test/*' ! -path '*/fuzz/*' ! -path '*/stub/*' ! -path '*/policy/doc*' \
        ! -path '*/audit/check_main.o'
}

@test "no code of the worker jumps or calls through a pointer" {
    [ "$(of_the_monitor | wc -l)" -ge 40 ]
    for object in $(of_the_monitor); do
        [ -z "$(through_pointers "$object")" ] || { echo "$object:"; through_pointers "$object"; return 1; }
    done
}

@test "no code that the worker takes from libprotect and common does, either" {
    mkdir "$BATS_TEST_TMPDIR/objects"
    (cd "$BATS_TEST_TMPDIR/objects" && ar x "$build/libprotect-core.a" && ar x "$build/libcommon.a")
    for object in "$BATS_TEST_TMPDIR"/objects/*.o; do
        [ -z "$(through_pointers "$object")" ] || { echo "$object:"; through_pointers "$object"; return 1; }
    done
}

@test "the monitor calls no function of libc that has variants for processors" {
    chosen=$(nm "$build/bin/nightward-worker" | awk '$2 == "i" { print $3 }' | sort -u)
    called=$(nm -u $(of_the_monitor) "$build/libprotect-core.a" "$build/libcommon.a" | awk '{ print $2 }' | sort -u)
    [ -z "$(comm -12 <(echo "$chosen") <(echo "$called"))" ] || { comm -12 <(echo "$chosen") <(echo "$called"); return 1; }
}

@test "the gate has one jump through a register, behind LFENCE" {
    jumps=$(objdump -d --no-show-raw-insn "$build/obj/protect/gate/gate.o" | grep -cE '(jmp|call) +\*')
    guarded=$(objdump -d --no-show-raw-insn "$build/obj/protect/gate/gate.o" | grep -A1 lfence | grep -cE 'jmp +\*')
    [ "$jumps" = 2 ] # for each variant one
    [ "$guarded" = 1 ] # where there are no keys there is nothing to run ahead with
}
