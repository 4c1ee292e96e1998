# nightward callscan: what it prints, and that nothing it is given ends it without a word. What the analysis finds is in
# deploy/callscan/test/programs.

load helper

setup() {
    [ -x "$NW_BUILD/bin/nightward-callscan" ] || skip "nightward-callscan is not built: LLVM 14 is not installed"
    BITCODE=$NW_BUILD/obj/callscan
    [ -e "$BITCODE/own_input.O2.bc" ] || skip "clang-14 is not installed"
    cd "$BATS_TEST_TMPDIR"
}


# flip FILE BYTE BIT: that bit of the file changes.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %x $((byte ^ 1 << $3)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "a table names place, callee, input, length and output of each site" {
    expect 0 -- "$NIGHTWARD" callscan foo="$BITCODE/own_input.O2.bc"
    [[ ${lines[0]} == FUNCTION*SITE*KIND*CALLS*INPUT*LENGTH*OUTPUT ]]
    [[ ${lines[1]} =~ ^foo\ .*own_input.c:11\ +call\ +bar\ +own\ input\ +own\ input\ +appended$ ]] || fail "$output"
    [ "${#lines[@]}" -eq 2 ]
}

@test "a name is that of the file where none is given, and has to be one that a function can have" {
    cp "$BITCODE/own_input.O2.bc" caller.bc
    expect 0 'caller ' -- "$NIGHTWARD" callscan caller.bc
    expect 2 '"no/name" is no name of a function' -- "$NIGHTWARD" callscan no/name=caller.bc
    expect 2 'argument is missing' -- "$NIGHTWARD" callscan
    expect 111 'No such file' -- "$NIGHTWARD" callscan missing.bc
}

@test "JSON holds all of it" {
    expect 0 '"name":	"foo"' '"whole":	true' '"complete":	true' '"known":	true' '"kind":	"call"' '"line":	11' \
        '"calls":	["bar"]' '"unknown":	false' '"input":	["own input"]' '"output":	["appended"]' -- \
        "$NIGHTWARD" callscan --json foo="$BITCODE/own_input.O2.bc"
    expect 0 '"known":	false' '"calls":	["backend"]' '"unknown":	true' -- \
        "$NIGHTWARD" callscan --json x="$BITCODE/name_environment.O1.bc"
    expect 0 '"length_max":	255' -- "$NIGHTWARD" callscan --json x="$BITCODE/length_masked.O0.bc"
    expect 0 '"kind":	"leaves"' -- "$NIGHTWARD" callscan --json x="$BITCODE/leaves.O2.bc"
}

# bar calls bar; left and right call each other by way of helper.
@test "the graph marks cycles, unknown callees and functions that were not scanned" {
    expect 0 -- "$NIGHTWARD" callscan --dot bar="$BITCODE/own_input.O2.bc" right="$BITCODE/helper.O2.bc" \
        left="$BITCODE/name_environment.O2.bc" second="$BITCODE/output_passed.O2.bc"
    [[ $output == "digraph calls {"*"}" ]]
    grep -qF '"bar" -> "bar" [style=solid, color=red, label="cycle"];' <<<"$output"
    grep -qF '"right" -> "right" [style=solid, color=red' <<<"$output"
    grep -qF '"right" -> "left" [style=solid];' <<<"$output"
    grep -qF '"left" -> "left?" [style=dashed, label="unknown"];' <<<"$output"
    grep -qF '"first" [style=dashed];' <<<"$output"
    ! grep -F '"bar" -> "bar?"' <<<"$output"
    ! command -v dot >/dev/null || dot -Tsvg <<<"$output" | grep -q '<svg'
}

@test "modules of one function are put together" {
    cat >helper.c <<'END_C'
#include <faas/worker_v1_interface.h>
int ask(faas_invoke_func_fn_t f, void *context, const char *name);
int ask(faas_invoke_func_fn_t f, void *context, const char *name)
{
    const char *out;
    size_t n;
    return f(context, name, 0, 0, &out, &n);
}
END_C
    cat >main.c <<'END_C'
#include <faas/worker_v1_interface.h>
int ask(faas_invoke_func_fn_t f, void *context, const char *name);
static faas_invoke_func_fn_t invoke;
int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    invoke = i;
    *handle = c;
    return a == 0;
}
int faas_func_call(void *handle, const char *input, size_t length)
{
    return ask(invoke, handle, length ? "one" : input ? "two" : "three");
}
END_C
    clang-14 -O1 -g -I"$NW_ROOT/include" -c -emit-llvm helper.c main.c
    expect 0 -- "$NIGHTWARD" callscan both=main.bc,helper.bc
    [[ ${lines[1]} =~ helper.c:7\ +call\ +one,\ three,\ two\  ]] || fail "$output"
    expect 0 'leaves' -- "$NIGHTWARD" callscan main.bc
    expect 0 'maybe' 'unknown' 'in part' -- "$NIGHTWARD" callscan helper.bc
    expect 1 'main.bc: ' -- "$NIGHTWARD" callscan twice=main.bc,main.bc
}

@test "bitcode within an object file, IR as text, and modules without debug information are read" {
    clang-14 -O2 -I"$NW_ROOT/include" -fembed-bitcode -c "$NW_ROOT/functions/foo/foo.c" -o foo.o
    expect 0 'in faas_func_call' 'bar' -- "$NIGHTWARD" callscan foo.o
    clang-14 -O2 -g -I"$NW_ROOT/include" -S -emit-llvm "$NW_ROOT/functions/foo/foo.c" -o foo.ll
    expect 0 'foo.c:41' 'bar' -- "$NIGHTWARD" callscan foo.ll
}

@test "the pass puts the sites into the object file, which needs no LLVM to be read" {
    local plugin=$NW_BUILD/bin/nightward-callsites.so level
    for level in -O0 -O2; do
        clang-14 $level -g -fPIC -fpass-plugin="$plugin" -I"$NW_ROOT/include" -c "$NW_ROOT/functions/foo/foo.c" -o foo.o
        expect 0 -- "$NIGHTWARD" callscan foo.o
        [[ ${lines[1]} =~ foo.c:41\ +call\ +bar\ +own\ input\ +own\ input\ +appended ]] || fail "$output"
    done
    cc -shared -o foo.so foo.o
    strip foo.so
    expect 0 'foo.c:41' -- "$NIGHTWARD" callscan foo.so
    ! readelf -lW foo.so | grep -F nightward # in no segment: not loaded
    opt-14 -load-pass-plugin "$plugin" -passes=nightward-callsites "$BITCODE/select.O1.bc" -o select.bc
    clang-14 -c select.bc -o select.o
    expect 0 'large, small' -- "$NIGHTWARD" callscan select.o
}

@test "a damaged section is refused with the reason" {
    local at
    clang-14 -O1 -fpass-plugin="$NW_BUILD/bin/nightward-callsites.so" -I"$NW_ROOT/include" -c \
        "$NW_ROOT/functions/foo/foo.c" -o foo.o
    at=$(LC_ALL=C grep -obUa NWCALLS foo.o | head -n 1 | cut -d: -f1)
    flip foo.o $((at + 8)) 1
    expect 1 'its section .nightward.calls is damaged: a record has another version than 1' -- \
        "$NIGHTWARD" callscan foo.o
}

@test "what is no bitcode is refused with the reason, and the others are scanned all the same" {
    printf 'hello\n' >text.bc
    : >empty.bc
    head -c 3000 /dev/urandom | tr -d '\0' >noise.bc
    printf 'BC\xc0\xde' >magic.bc
    cp "$NW_BUILD/functions/hello/hello.so" plain.so
    expect 1 'cannot scan text: text.bc: ' 'cannot scan empty: empty.bc: it is neither' 'cannot scan noise' \
        'cannot scan magic' 'plain.so: it holds no bitcode' 'good ' -- \
        "$NIGHTWARD" callscan text.bc empty.bc noise.bc magic.bc plain.so good="$BITCODE/own_input.O2.bc"
}

@test "a module of another LLVM is refused by name" {
    cp "$BITCODE/own_input.O2.bc" other.bc
    flip other.bc 28 3 # the epoch of the format
    expect 1 "cannot scan other: other.bc: Incompatible epoch: Bitcode '1' vs current: '0'" -- \
        "$NIGHTWARD" callscan other.bc
}

@test "a module that is too large is refused unread" {
    cp "$BITCODE/own_input.O2.bc" large.bc
    truncate -s 100M large.bc
    expect 1 'larger than 64 MiB' -- "$NIGHTWARD" callscan large.bc
}

@test "LLVM ending over a module ends nothing else" {
    cp "$BITCODE/own_input.O2.bc" broken.bc
    flip broken.bc 16 5
    expect 1 'LLVM 14 ended over it with signal' 'good ' -- \
        "$NIGHTWARD" callscan broken.bc good="$BITCODE/own_input.O2.bc"
}

@test "a module that was cut or damaged anywhere is refused or scanned, and never ends the program" {
    local size files=() i
    size=$(stat -c %s "$BITCODE/transport.O1.bc")
    for i in {1..20}; do
        head -c $((size * i / 21)) "$BITCODE/transport.O1.bc" >"cut$i.bc"
        cp "$BITCODE/transport.O1.bc" "bit$i.bc"
        flip "bit$i.bc" $((64 + (size - 64) * i / 21)) $((i % 8))
        files+=("cut$i.bc" "bit$i.bc")
    done
    run "$NIGHTWARD" callscan "${files[@]}"
    [[ $status == [01] ]] || fail "status $status: $output"
    for i in {1..20}; do
        grep -q "cannot scan cut$i: " <<<"$output" || fail "nothing is said of cut$i.bc: $output"
    done
}

@test "names in a module cannot steer a terminal" {
    cat >evil.ll <<'END_LL'
source_filename = "evil"
define i32 @"\1B[31mfaas"(i32 (i8*, i8*, i8*, i64, i8**, i64*)* %f) {
  %out = alloca i8*
  %n = alloca i64
  %r = call i32 %f(i8* null, i8* null, i8* null, i64 0, i8** %out, i64* %n)
  ret i32 %r
}
END_LL
    expect 0 'in ?[31mfaas' -- "$NIGHTWARD" callscan evil.ll
    [[ $output != *$'\e'* ]]
    expect 0 '"function":	"\u001b[31mfaas"' -- "$NIGHTWARD" callscan --json evil.ll
}

@test "help shows examples; without the program the message says how it is built" {
    expect 0 'Examples:' 'nightward callscan' -- "$NIGHTWARD" callscan --help
    cp "$NIGHTWARD" alone
    expect 111 'cannot find nightward-callscan' 'make deps-callscan all' -- ./alone callscan x.bc
}
