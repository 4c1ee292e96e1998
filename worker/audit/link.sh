#!/bin/bash
# link.sh CHECK PROGRAM COMPILER... -- ARGUMENTS...: links PROGRAM so that CHECK (check_main.c) finds nothing in its code
# that could change rights, but in the gate and in dead code.
#
# By chance the distance from an instruction to what it names has the bytes of WRPKRU, XRSTOR, WRFSBASE or WRGSBASE, and
# a function could jump into it. Then the program is linked again with padding in front of its objects and behind them,
# before the libraries: code gets another distance from data, and libraries from the rest. Each link may have another
# accident, so there are several attempts. Bytes that do not depend on distances stay; then there is no program.
set -u

LAYOUTS=16 STEP=16

check=$1 program=$2
shift 2
compiler=()
while [ "$1" != -- ]; do
    compiler+=("$1")
    shift
done
shift

padding=$program.padding.o linked=$program.linked
trap 'rm -f "$padding" "$linked"' EXIT

# Both sections, since the linker puts code that is seldom run before all other code.
pad() {
    for section in .text.unlikely .text; do
        printf '.section %s,"ax",@progbits\n.fill %d, 1, 0xcc\n' "$section" "$1"
    done
    echo '.section .note.GNU-stack,"",@progbits'
}

for ((layout = 0; layout < LAYOUTS; layout++)); do
    pad $((layout * STEP)) | "${compiler[@]}" -x assembler -c -o "$padding" - || exit
    "${compiler[@]}" -o "$linked" "$padding" "$@" "$padding" || exit
    found=$("$check" "$linked")
    status=$?
    case $status in
    0) mv -f "$linked" "$program" && exit ;;
    1) ;;
    *) exit "$status" ;;
    esac
done
cat >&2 <<END
$program: in each of $LAYOUTS layouts its code has bytes outside the gate that could change rights, in the last one:
$found
If it is not by chance, the code must go. Otherwise change it a little, or what stands around it, and build again.
END
exit 1
