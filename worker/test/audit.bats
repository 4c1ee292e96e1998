# nightward-worker --audit: the list of instructions that can change rights, and programs in which it must not be clean.

load ../../deploy/test/helper

WORKER=$NW_BUILD/bin/nightward-worker

# What the gate is meant to hold, in its order. Every change of this list is a change of what must be proven.
gate_holds() {
    cat <<'END'
WRPKRU nw_gate_enter_keyed
WRFSBASE nw_gate_leave_keyed
WRPKRU nw_gate_leave_keyed
WRFSBASE nw_gate_leave_keyed
XRSTOR nw_gate_leave_keyed
WRPKRU nw_gate_leave_keyed
WRPKRU nw_gate_signal_keyed
WRPKRU nw_gate_as_keyed
WRPKRU nw_gate_as_keyed
WRFSBASE nw_set_fs
END
}

# The lines of each part of the output.
in_gate() { printf '%s\n' "$output" | sed -n '/in the gate:$/,/^outside/s/^  \([A-Z]*\)  */\1 /p'; }
outside() { printf '%s\n' "$output" | sed -n '/^outside/,/^overwritten/s/^  \([A-Z]*\)  */\1 /p'; }
overwritten() { printf '%s\n' "$output" | sed -n '/^overwritten/,/^[0-9]/s/^  \([A-Z]*\)  */\1 /p'; }

# segment RIGHTS: number, offset, file size and memory end of the first loaded segment with them, as readelf has them.
segment() {
    readelf -lW "$WORKER" | awk -v rights="$1" '
        $1 == "LOAD" { flags = $7 $8; sub(/0x.*/, "", flags); if (flags == rights && n > 0) { print n, $2, $5; exit } }
        $1 ~ /^[A-Z_]+$/ && $2 ~ /^0x/ { n++ }'
}

# plant OFFSET BYTES...: overwrites bytes of the copy.
plant() {
    local at=$1
    shift
    printf "$(printf '\\x%s' "$@")" | dd of=copy bs=1 seek=$((at)) conv=notrunc status=none
}

# copy_with_data_executable: a copy whose constants, which follow its code in memory, are executable too.
copy_with_data_executable() {
    cp "$WORKER" copy
    read -r number text text_size < <(segment RE)
    read -r number data data_size < <(segment R)
    plant $((64 + 56 * number + 4)) 05
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "what can change rights lies in the gate, and is exactly what is meant to be there" {
    run -0 "$WORKER" --audit
    diff <(gate_holds) <(in_gate | sed 's/+.*//')
    [ -z "$(outside)" ]
    [[ $output == *$'\n'"$(gate_holds | wc -l) in the gate, 0 outside, "* ]]
    ! in_gate | grep -v '(protect/gate/gate\.S, \.nw_gate+0x[0-9a-f]*)$'
}

@test "a disassembler finds the same instructions at the same places of the gate" {
    run -0 "$WORKER" --audit
    start=$((0x$(readelf -SW "$WORKER" | sed -n 's/.* \.nw_gate *PROGBITS *\([0-9a-f]*\).*/\1/p')))
    objdump -d --section=.nw_gate "$WORKER" | grep -E '\s(wrpkru|xrstor|wrfsbase|wrgsbase)' |
        while read -r address rest; do
            name=$(grep -oE 'wrpkru|xrstor|wrfsbase|wrgsbase' <<<"$rest")
            # XRSTOR is told without the prefix that makes it XRSTOR64.
            [[ $rest == 48* ]] && shift_by=1 || shift_by=0
            printf '%s .nw_gate+%#x\n' "${name^^}" $((0x${address%:} - start + shift_by))
        done | sort >disassembled
    [ -s disassembled ]
    { in_gate; overwritten; } | sed -n 's/^\([A-Z]*\) .*, \(\.nw_gate+.*\))$/\1 \2/p' | sort | diff disassembled -
}

@test "the gate for where there are no keys and the C library's lazy resolver are overwritten" {
    run -0 "$WORKER" --audit
    overwritten | grep -q '^XRSTOR _dl_runtime_resolve_xsavec+'
    overwritten | grep -q '^WRFSBASE nw_gate_leave_plain+'
    ! overwritten | grep _keyed
}

@test "an instruction behind the end of the code, in its last page, is overwritten" {
    cp "$WORKER" copy
    read -r _ text text_size < <(segment RE)
    plant $(((text + text_size + 4095) / 4096 * 4096 - 3)) 0f 01 ef
    run -0 ./copy --audit
    overwritten | grep -q "^WRPKRU 0x[0-9a-f]*ffd "
}

# copy_with_living_hit: a copy in which a function of the C library, __dcigettext+0x20, has the bytes of WRPKRU.
copy_with_living_hit() {
    cp "$WORKER" copy
    plant $((0x$(nm "$WORKER" | sed -n 's/ t __dcigettext$//p') + 0x20)) 0f 01 ef
}

@test "bytes in code that may be alive are told and not overwritten" {
    copy_with_living_hit
    run -1 ./copy --audit
    [ "$(outside)" = 'WRPKRU __dcigettext+0x20' ]
    ! overwritten | grep -v -e '^XRSTOR _dl_runtime_resolve_' -e '_plain+'
}

@test "executable memory that is not the program's code must hold none" {
    copy_with_data_executable
    run -0 ./copy --audit
    [ -z "$(outside)" ]
    plant $((data + data_size - 3)) 0f 01 ef
    run -1 ./copy --audit
    [ "$(outside | wc -l)" = 1 ]
    outside | grep -q "^WRPKRU 0x[0-9a-f]* in $PWD/copy$"
    diff <(gate_holds) <(in_gate | sed 's/+.*//')
}

@test "the audit takes adjoining mappings as one" {
    for split in 1 2; do
        copy_with_data_executable
        bytes=(0f 01 ef)
        plant $(((text + text_size + 4095) / 4096 * 4096 - split)) "${bytes[@]:0:split}"
        plant "$data" "${bytes[@]:split}"
        run -1 ./copy --audit
        [ "$(outside | wc -l)" = 1 ]
        outside | grep -q '^WRPKRU '
    done
}

@test "what ld.so and libc hold is overwritten in what a domain gets of them" {
    run -0 "$WORKER" --audit
    for file in ld-linux-x86-64.so.2 libc.so.6; do
        part=$(printf '%s\n' "$output" | sed -n "/^in .*$file, /,/^[0-9]/p")
        found=$(grep -c '^  ' <<<"$part")
        [ "$found" -gt 0 ]
        grep -q "^$found overwritten, 0 left\$" <<<"$part"
    done
    grep -q 'WRPKRU *file offset 0x[0-9a-f]*, in pkey_set$' <<<"$output"
}

@test "in a program without symbols the gate is found by its section" {
    strip -o copy "$WORKER"
    run -0 "$WORKER" --audit
    in_gate | sed 's/.*(/(/' >places
    run -0 ./copy --audit
    in_gate | sed 's/.*(/(/' | diff places -
}

# start_copy: a host whose worker is the copy does not come up in mode mpk. Skips where that cannot run.
start_copy() {
    [ -x "$NW_BUILD/test/mode-usable" ] || { echo "$NW_BUILD/test/mode-usable is missing: run make tests" && false; }
    why=$("$NW_BUILD/test/mode-usable") || skip "mode mpk cannot run here: $why"
    mkdir programs
    cp "$NIGHTWARD" "$NW_BUILD"/bin/nightward-{engine,launcher} programs
    mv copy programs/nightward-worker
    run timeout 20 programs/nightward up --isolation mpk --listen 127.0.0.1:0 --state "$PWD/state"
    [ "$status" -ne 0 ]
    [ "$status" -ne 124 ]
    [[ $output != *'is up'* ]]
}

@test "in mode mpk a worker that is not clean does not start, and says how to see why" {
    copy_with_data_executable
    plant $((data + data_size - 3)) 0f 01 ef
    start_copy
    [[ $output == *'nightward-worker --audit shows them all'* ]]
    [[ $output != *'build nightward-worker again'* ]]
}

@test "in mode mpk a worker with such bytes in its living code does not start, and names the place" {
    copy_with_living_hit
    start_copy
    [[ $output == *'WRPKRU at __dcigettext+0x20; build nightward-worker again'* ]]
}
