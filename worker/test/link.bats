# How nightward-worker is linked: what can change rights by chance is found in the file, and another layout is without it.

load ../../deploy/test/helper

CHECK=$NW_BUILD/obj/worker/check-code
LINK=$BATS_TEST_DIRNAME/../audit/link.sh

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# assemble FLAGS... : accident.o from the program on standard input.
assemble() {
    ${CC:-cc} -x assembler-with-cpp -c "$@" -o accident.o -
}

# accident DISTANCE: a program with an instruction whose operand is that far away. Where the operand would have to be
# for that is known once it was linked.
accident() {
    local far=0 source='.globl _start; .type _start, @function
_start: lea data + FAR(%rip), %rax; behind: ret
        .bss; data: .skip 64'

    for _ in 1 2; do
        assemble "-DFAR=$far" <<<"$source"
        "${CC:-cc}" -nostdlib -static-pie -o plain accident.o
        far=$(($1 + 0x$(nm plain | sed -n 's/ t behind$//p') - 0x$(nm plain | sed -n 's/ b data$//p')))
    done
}

link_clean() {
    "$LINK" "$CHECK" linked "${CC:-cc}" -- -nostdlib -static-pie accident.o
}

@test "bytes of a living instruction that could change rights are found in a program, by the place" {
    for distance in 0x2cae0f:XRSTOR 0x6cae0f:XRSTOR -0x10fef1:WRPKRU; do
        accident "${distance%:*}"
        run -1 "$CHECK" plain
        [ "$output" = "${distance#*:} at _start+0x3" ]
    done
    accident 0x1000
    run -0 "$CHECK" plain
    [ -z "$output" ]
}

@test "a program whose code could change rights by chance gets another layout" {
    accident 0x2cae0f
    run -1 "$CHECK" plain
    run -0 link_clean
    run -0 "$CHECK" linked
    objdump -d linked | grep -q 'lea .*(%rip),%rax'
    [ "$(echo *)" = 'accident.o linked plain' ]
}

@test "a program that could change rights in each layout is not made, and the place is named" {
    assemble <<<'.globl _start; .type _start, @function
_start: mov $0xef010f, %eax; ret'
    run -1 link_clean
    [[ $output == *'WRPKRU at _start+0x1'* ]]
    [ "$(echo *)" = accident.o ]
}

@test "what can change rights in the gate and in dead code is meant to be there" {
    run -0 "$CHECK" "$NW_BUILD/bin/nightward-worker"
    strip -o copy "$NW_BUILD/bin/nightward-worker"
    run -1 "$CHECK" copy
    [[ $output == *WRPKRU* ]]
}
