# nightward check: what it says of files that are functions, that are not, and where in a file the reason lies.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# function_so NAME: builds NAME.so of the assembly on standard input and what every function has.
function_so() {
    cat >"$1.S"
    cat >interface.c <<'END'
#include <faas/worker_v1_interface.h>
int faas_init(void) { return 0; }
int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **w)
{ *w = c; return i != 0 && a != 0 ? 0 : -1; }
int faas_destroy_func_worker(void *w) { return w == 0; }
int faas_func_call(void *w, const char *input, size_t length) { return w == 0 || input == 0 || length > 9; }
END
    cc -shared -fPIC -I"$NW_ROOT/include" -Wl,-z,noexecstack -o "$1.so" interface.c "$1.S" "${@:2}"
}

# at SO SYMBOL DISTANCE: that place as an offset of the file, as nm and readelf have it.
at() {
    local value offset address
    value=0x$(nm "$1" | awk -v name="$2" '$3 == name { print $1 }')
    read -r address offset < <(readelf -SW "$1" | sed -n 's/.* \.text *PROGBITS *\([0-9a-f]*\) *\([0-9a-f]*\) .*/\1 \2/p')
    printf '%#x' $((value + $3 - 0x$address + 0x$offset))
}

@test "a sound function and a folder are accepted" {
    function_so plain </dev/null
    expect 0 "plain.so: good" -- "$NIGHTWARD" check plain.so
    mkdir folder && cp plain.so folder && printf '{"name": "x", "slots": 4}' >folder/function.json
    expect 0 "plain.so: good" "folder/plain.so: good" -- "$NIGHTWARD" check plain.so folder
}

@test "the samples are accepted" {
    local manifests=("$NW_BUILD"/functions/{,social/}*/function.json)
    expect 0 hello.so: cpp.so: compose.so: -- "$NIGHTWARD" check "${manifests[@]%/function.json}"
}

@test "an instruction is named with offset, symbol, section and operands" {
    function_so grab <<'END'
        .text
        .globl grab
        .type grab, @function
grab:   nop
        nop
        xrstor64 0x40(%rsp)
        ret
        .size grab, . - grab
END
    place=$(at grab.so grab 3)
    expect 1 "grab.so: XRSTOR at file offset $place, in symbol grab" \
        "file offset $place lies in grab+0x3, section .text: \"xrstor64 0x40(%rsp)\"" -- "$NIGHTWARD" check grab.so
}

@test "a forbidden instruction inside another is reported with the one around it" {
    function_so within <<'END'
        .text
        .type within, @function
within: jmp 1f + 1
1:      movl $0x43ef010f, %eax
        ret
END
    expect 1 "WRPKRU at file offset $(at within.so within 3)" \
        "within+0x3, section .text: WRPKRU begins within \"mov \$0x43EF010F, %eax\" at $(at within.so within 2)" -- \
        "$NIGHTWARD" check within.so
}

@test "a hit in data, or in a file without symbols and sections, is located too" {
    function_so data <<'END'
        .text
        .type data, @function
data:   .byte 0x06, 0x06, 0xf3, 0x41, 0x0f, 0xae, 0xd8
        .size data, . - data
END
    expect 1 "WRGSBASE at file offset $(at data.so data 2)" 'data+0x2, section .text, which does not decode' -- \
        "$NIGHTWARD" check data.so
    place=$(at data.so data 2)
    strip data.so
    expect 1 "file offset $place lies in section .text: \"wrgsbase %r8d\"" -- "$NIGHTWARD" check data.so
    # No section headers: e_shoff, e_shnum and e_shstrndx are 0.
    printf '\0\0\0\0\0\0\0\0' | dd of=data.so bs=1 seek=40 conv=notrunc status=none
    printf '\0\0\0\0' | dd of=data.so bs=1 seek=60 conv=notrunc status=none
    expect 1 "file offset $place lies in no section: \"wrgsbase %r8d\"" -- "$NIGHTWARD" check data.so
}

@test "a forbidden sequence that stands there by accident and can be removed is accepted" {
    function_so accident <<'END'
        .text
        .globl accident
        .type accident, @function
accident:
        leaq 0xef010f(%rip), %rax
        ret
        .size accident, . - accident
END
    LC_ALL=C grep -qPa '\x0f\x01\xef' accident.so
    expect 0 good -- "$NIGHTWARD" check accident.so
}

@test "every file is checked, and a bad one gives status 1" {
    function_so plain </dev/null
    printf 'no ELF' >text.so
    : >empty.so
    head -c 3000 plain.so >short.so
    expect 1 'text.so: not an ELF file' 'empty.so: not an ELF file' 'short.so: damaged' 'plain.so: good' \
        'libm.so.6: symbol faas_init not found' -- \
        "$NIGHTWARD" check text.so empty.so short.so plain.so /lib/x86_64-linux-gnu/libm.so.6
}

@test "misuse and a wrong manifest give status 2, a file that cannot be read 111" {
    expect 2 'argument is missing' -- "$NIGHTWARD" check
    mkdir folder && printf '{"name": "x", "slots": 4000}' >folder/function.json
    expect 2 folder/function.json slots -- "$NIGHTWARD" check folder
    expect 111 missing.so 'No such file' -- "$NIGHTWARD" check missing.so
}

@test "help shows examples and no environment" {
    expect 0 'nightward check hello.so' 'Usage: nightward check [FLAGS] FILE.so | DIR ...' -- "$NIGHTWARD" check --help
    [[ $output != *environment* ]]
}
