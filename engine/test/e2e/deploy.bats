# Deploying: new versions under load, refusals that leave the old version serving, functions from outside the tree.
# timeout: 300
# threads: each
# sanitized: yes

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
    nw_deploy_samples hello echo
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

# The least a function is: answers TEXT, which the compiler gets with -DTEXT.
answer_source() {
    cat <<'C'
#include <faas/worker_v1_interface.h>
static faas_append_output_fn_t append;
static char contexts[64][sizeof(void *)];
static int used;
int faas_init(void) { return 0; }
int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append_fn, void **handle)
{
    (void)invoke;
    append = append_fn;
    *handle = contexts[__atomic_fetch_add(&used, 1, __ATOMIC_RELAXED) % 64];
    *(void **)*handle = context;
    return 0;
}
int faas_destroy_func_worker(void *handle) { (void)handle; return 0; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    append(*(void **)handle, TEXT, sizeof TEXT - 1);
    append(*(void **)handle, input, length);
    return 0;
}
C
}

# A function that answers when AT_ONCE calls of it are under way, so that there is a func worker for each.
meeting_source() {
    answer_source | sed '/int faas_func_call/,/^{/ s/^{/{\n    static int n;\n    __atomic_add_fetch(\&n, 1, __ATOMIC_RELAXED);\
    while (__atomic_load_n(\&n, __ATOMIC_RELAXED) < AT_ONCE) usleep(1000);/
        1i #include <unistd.h>'
}

# meet NAME N: N calls at once, which must all succeed.
meet() {
    local i pids=()
    for ((i = 0; i < $2; i++)); do
        nw_expect "$1" "" met &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
}

# refused NAME FILE WORD...: the deployment fails, the message has every word, and what served before serves on.
refused() {
    local name=$1 file=$2 before word
    shift 2
    before=$(nw_version "$name")
    run -1 "$NIGHTWARD" deploy --state "$NW_STATE" "$name" "$file"
    for word in "$@"; do
        [[ ${output,,} == *"${word,,}"* ]] || fail "the message does not say \"$word\": $output"
    done
    [ "$(nw_version "$name")" = "$before" ]
    nw_expect hello Ada 'Hello, Ada!'
}

@test "a file that is no shared object is refused" {
    echo 'int main(void);' >"$BATS_TEST_TMPDIR/bad.so"
    refused hello "$BATS_TEST_TMPDIR/bad.so" hello ELF
}

@test "an empty file is refused" {
    : >"$BATS_TEST_TMPDIR/bad.so"
    refused hello "$BATS_TEST_TMPDIR/bad.so" hello
}

@test "a truncated shared object is refused" {
    head -c 3000 "$FUNCTIONS/hello/hello.so" >"$BATS_TEST_TMPDIR/bad.so"
    refused hello "$BATS_TEST_TMPDIR/bad.so" hello
}

@test "a shared object for another machine is refused" {
    cp "$FUNCTIONS/hello/hello.so" "$BATS_TEST_TMPDIR/bad.so"
    printf '\xb7\x00' | dd of="$BATS_TEST_TMPDIR/bad.so" bs=1 seek=18 conv=notrunc status=none
    refused hello "$BATS_TEST_TMPDIR/bad.so" hello AArch64
}

@test "a missing symbol is named" {
    answer_source | sed 's/faas_func_call/another_name/' | nw_compile bad.c '-DTEXT="x"'
    refused hello "$BATS_TEST_TMPDIR/bad.so" faas_func_call
}

@test "WRPKRU in the code is refused with its place" {
    { answer_source; echo 'void grab(void) { __asm__ volatile("wrpkru" : : "a"(0), "c"(0), "d"(0)); }'; } |
        nw_compile bad.c '-DTEXT="x"'
    refused hello "$BATS_TEST_TMPDIR/bad.so" wrpkru 0x "lies in grab+0x" "section .text: \"wrpkru\""
}

@test "a library that it needs and that holds a forbidden instruction is named with its place" {
    local library
    library=$(compgen -G '/lib/x86_64-linux-gnu/libLLVM-1[45].so.1' | head -1)
    [ -n "$library" ] || skip "no library that is known to hold one is installed"
    { answer_source; echo 'void LLVMShutdown(void); void end(void); void end(void) { LLVMShutdown(); }'; } |
        nw_compile bad.c '-DTEXT="x"' "$library"
    refused hello "$BATS_TEST_TMPDIR/bad.so" "$(realpath "$library"): " ' at file offset 0x'
}

@test "a library that it needs and that is not there is named" {
    echo 'int far_away(void) { return 0; }' | nw_compile libfaraway.c
    mv "$BATS_TEST_TMPDIR/libfaraway.so" "$BATS_TEST_TMPDIR/libnw-far-away.so"
    { answer_source; echo 'int far_away(void); int here(void); int here(void) { return far_away(); }'; } |
        nw_compile bad.c '-DTEXT="x"' -L. -lnw-far-away
    refused hello "$BATS_TEST_TMPDIR/bad.so" libnw-far-away
}

@test "a faas_init that fails is refused" {
    answer_source | sed 's/faas_init(void) { return 0/faas_init(void) { return 3/' | nw_compile bad.c '-DTEXT="x"'
    refused hello "$BATS_TEST_TMPDIR/bad.so" faas_init
}

@test "a constructor that crashes is refused and harms nobody" {
    { answer_source; echo '__attribute__((constructor)) void boom(void); void boom(void) { *(volatile int *)8 = 1; }'; } |
        nw_compile bad.c '-DTEXT="x"'
    nw_load --requests 0 "$(nw_address)" /function/echo
    refused hello "$BATS_TEST_TMPDIR/bad.so" hello
    nw_load_end
}

@test "a first deployment that is refused leaves no function" {
    echo nonsense >"$BATS_TEST_TMPDIR/bad.so"
    run -1 "$NIGHTWARD" deploy --state "$NW_STATE" never "$BATS_TEST_TMPDIR/bad.so"
    nw_expect_error never x 404 function_not_found
}

@test "a function in C from outside the tree deploys and answers" {
    answer_source | nw_compile outside.c '-DTEXT="C says "'
    nw_deploy outside-c "$BATS_TEST_TMPDIR/outside.so"
    nw_expect outside-c hi 'C says hi'
}

@test "a function in C++ from outside the tree deploys and answers" {
    nw_compile outside.cc <<'CC'
#include <faas/worker_v1_interface.h>
#include <algorithm>
#include <stdexcept>
#include <string>
struct Worker { void *context; faas_append_output_fn_t append; };
int faas_init() { return 0; }
int faas_create_func_worker(void *context, faas_invoke_func_fn_t, faas_append_output_fn_t append, void **handle)
{
    *handle = new Worker{context, append};
    return 0;
}
int faas_destroy_func_worker(void *handle) { delete static_cast<Worker *>(handle); return 0; }
int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *worker = static_cast<Worker *>(handle);
    std::string text(input, length);
    std::reverse(text.begin(), text.end());
    try {
        throw std::runtime_error(text);
    } catch (const std::exception &thrown) {
        text = thrown.what();
    }
    worker->append(worker->context, text.data(), text.size());
    return 0;
}
CC
    nw_deploy outside-cc "$BATS_TEST_TMPDIR/outside.so"
    nw_expect outside-cc thgin night
}

@test "the function of the README deploys and answers" {
    awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$NW_ROOT/README.md" | nw_compile readme.c
    nw_deploy readme "$BATS_TEST_TMPDIR/readme.so"
    nw_expect readme drawthgin nightward
}

@test "a new version answers as soon as deploy returns" {
    local i
    answer_source | nw_compile one.c '-DTEXT="one "'
    answer_source | nw_compile two.c '-DTEXT="two "'
    for ((i = 0; i < 5; i++)); do
        nw_deploy numbered "$BATS_TEST_TMPDIR/one.so"
        nw_expect numbered x 'one x'
        nw_deploy numbered "$BATS_TEST_TMPDIR/two.so"
        nw_expect numbered x 'two x'
    done
}

@test "new versions under load lose and mix up nothing" {
    local i
    answer_source | nw_compile one.c '-DTEXT=""' -DBUILD=1
    { answer_source; echo 'const char build[] = "two";'; } | nw_compile two.c '-DTEXT=""'
    ! cmp -s "$BATS_TEST_TMPDIR/one.so" "$BATS_TEST_TMPDIR/two.so"
    nw_deploy swapped "$BATS_TEST_TMPDIR/one.so"
    nw_load --requests 0 --clients 8 --pipeline 4 "$(nw_address)" /function/swapped
    for ((i = 0; i < 6; i++)); do
        nw_deploy swapped "$BATS_TEST_TMPDIR/two.so"
        nw_deploy swapped "$BATS_TEST_TMPDIR/one.so"
    done
    nw_load_end
}

@test "removing a function under load ends in 404 and harms no neighbour" {
    nw_deploy_samples foo
    nw_deploy gone "$FUNCTIONS/echo/echo.so"
    nw_load --requests 0 --clients 2 "$(nw_address)" /function/echo
    nw_expect gone 1 1
    run -0 "$NIGHTWARD" remove gone --state "$NW_STATE"
    nw_expect_error gone 1 404 function_not_found
    nw_load_end
}

@test "a replaced version destroys its func workers" {
    meeting_source | sed 's/(void)handle; return 0/return write(2, "one is destroyed\\n", 17) * 0 * !handle/' |
        nw_compile old.c -DAT_ONCE=3 '-DTEXT="met"'
    answer_source | nw_compile new.c '-DTEXT="new"'
    nw_deploy mortal "$BATS_TEST_TMPDIR/old.so" --slots 3
    meet mortal 3
    nw_deploy mortal "$BATS_TEST_TMPDIR/new.so"
    three_destroyed() { [ "$(grep -c 'function mortal: one is destroyed' "$NW_LOG")" = 3 ]; }
    nw_poll "$NW_PATIENCE" three_destroyed
}

@test "a folder with a function.json deploys with what it says" {
    mkdir "$BATS_TEST_TMPDIR/folder"
    cp "$FUNCTIONS/echo/echo.so" "$BATS_TEST_TMPDIR/folder/code.so"
    echo '{"name": "folded", "so": "code.so", "slots": 3, "timeout": "1500ms", "memory": "32M", "env": {"K": "V"}}' \
        >"$BATS_TEST_TMPDIR/folder/function.json"
    nw_deploy "$BATS_TEST_TMPDIR/folder"
    nw_expect folded x x
    run -0 nw_admin /v1/functions/folded
    [ "$("$JSON" slots <<<"$output")" = 3 ]
}

@test "an unknown key of function.json is refused by name" {
    mkdir "$BATS_TEST_TMPDIR/folder"
    cp "$FUNCTIONS/echo/echo.so" "$BATS_TEST_TMPDIR/folder/"
    echo '{"name": "folded", "so": "echo.so", "slutz": 3}' >"$BATS_TEST_TMPDIR/folder/function.json"
    run -2 "$NIGHTWARD" deploy --state "$NW_STATE" "$BATS_TEST_TMPDIR/folder"
    [[ $output == *slutz* ]]
}

@test "the environment of a function is what was deployed" {
    answer_source | sed '1i #include <stdlib.h>\n#include <string.h>' |
        sed 's/append(\*(void \*\*)handle, TEXT, sizeof TEXT - 1)/append(*(void **)handle, getenv("NIGHT"), strlen(getenv("NIGHT")))/' |
        nw_compile env.c
    nw_deploy env "$BATS_TEST_TMPDIR/env.so" --env NIGHT=ward --env OTHER=x
    nw_expect env '' ward
    NIGHT='no argument' nw_deploy env "$BATS_TEST_TMPDIR/env.so" --env NIGHT
    nw_expect env '' 'no argument'
}

# settings NAME KEY...: their values, one a line.
settings() {
    local name=$1 key answer
    answer=$(nw_admin "/v1/functions/$name")
    shift
    for key in "$@"; do
        "$JSON" "$key" <<<"$answer" 2>/dev/null || echo none
    done
}

@test "a new version keeps what is not named, says so, and gives it its default when asked" {
    nw_deploy settled "$FUNCTIONS/echo/echo.so" --slots 3 --timeout 5s --memory 64M --callers a,b --env ONE=1 --env TWO=2
    run -0 "$NIGHTWARD" deploy settled "$FUNCTIONS/hello/hello.so" --slots 4 --env TWO=3 --state "$NW_STATE"
    [[ $output == *'slots is now 4; it was 3'* ]]
    [[ $output == *'memory stays 64M'*'--reset memory'* ]]
    [[ $output != *'slots stays'* && $output != *'threads'* ]]
    [ "$(settings settled slots timeout memory callers env.ONE env.TWO | xargs)" = '4 5s 64M a,b *** ***' ]
    run -0 "$NIGHTWARD" deploy settled "$FUNCTIONS/echo/echo.so" --reset memory --reset env --env NEW=1 --state "$NW_STATE"
    [[ $output == *'memory is now 256M; it was 64M'* ]]
    [ "$(settings settled slots memory env.ONE env.NEW | xargs)" = '4 256M none ***' ]
    run -0 "$NIGHTWARD" deploy settled "$FUNCTIONS/echo/echo.so" --reset all --timeout 6s --state "$NW_STATE"
    [[ $output == *'env is now none; it was 1 variable'* ]]
    [ "$(settings settled slots timeout callers env.NEW | xargs)" = '8 6s none none' ]
    run -0 "$NIGHTWARD" deploy settled "$FUNCTIONS/echo/echo.so" --state "$NW_STATE" --json
    [ "$("$JSON" kept.0 <<<"$output")" = timeout ]
    "$NIGHTWARD" remove settled --state "$NW_STATE"
    nw_deploy settled "$FUNCTIONS/echo/echo.so"
    [ "$(settings settled timeout)" = 10s ]
}

@test "a folder is kept in the same way: what its function.json names holds, and flags win" {
    mkdir "$BATS_TEST_TMPDIR/folder"
    cp "$FUNCTIONS/echo/echo.so" "$BATS_TEST_TMPDIR/folder/"
    echo '{"name": "folded", "slots": 3}' >"$BATS_TEST_TMPDIR/folder/function.json"
    nw_deploy "$BATS_TEST_TMPDIR/folder" --memory 64M --slots 5
    [ "$(settings folded slots memory | xargs)" = '5 64M' ]
    nw_deploy "$BATS_TEST_TMPDIR/folder"
    [ "$(settings folded slots memory | xargs)" = '3 64M' ]
}

@test "settings that no longer go together are refused with the way out" {
    nw_deploy pair "$FUNCTIONS/echo/echo.so" --profile net --connect 127.0.0.1:1
    run -1 "$NIGHTWARD" deploy pair "$FUNCTIONS/echo/echo.so" --profile compute --state "$NW_STATE"
    [[ $output == *connect*'kept'*'reset'* ]]
    run -0 "$NIGHTWARD" deploy pair "$FUNCTIONS/echo/echo.so" --reset connect --state "$NW_STATE"
    [[ $output == *'connect is now any; it was 127.0.0.1:1'* ]]
    nw_deploy pair "$FUNCTIONS/echo/echo.so" --profile compute
    run -2 "$NIGHTWARD" deploy pair "$FUNCTIONS/echo/echo.so" --reset colour --state "$NW_STATE"
    [[ $output == *--reset*colour*'there are '* ]]
}

@test "list, invoke and remove speak JSON when asked" {
    nw_deploy spoken "$FUNCTIONS/hello/hello.so" --slots 2 --timeout 3s
    run -0 "$NIGHTWARD" list --state "$NW_STATE" --json
    [[ $output == *spoken* ]]
    "$JSON" <<<"$output" >/dev/null
    run -0 "$NIGHTWARD" invoke spoken -d Ada --state "$NW_STATE" --json
    "$JSON" <<<"$output" >/dev/null
    [[ $output == *"Hello, Ada!"* ]]
    run -0 "$NIGHTWARD" remove spoken --state "$NW_STATE" --json
    "$JSON" <<<"$output" >/dev/null
    nw_expect_error spoken x 404 function_not_found
}

holds_threads() {
    nw_admin /v1/functions/spoken | "$JSON" holds | grep -q "\"threads\": *$1\b"
}

# The last calls before a worker comes to rest may stay untold: so it is called until they are not.
tells_time() {
    meet spoken 3
    nw_admin /v1/functions/spoken | "$JSON" processor | grep -q '"ran": *[0-9.e-]*[1-9]'
}

# Of its limit of 256 MiB, in MiB with one decimal: what it has, and what it had at most.
lists_memory() {
    "$NIGHTWARD" list --state "$NW_STATE" | awk '
        $1 == "NAME" { for (i = 1; i <= NF; i++) column[$i] = i }
        $1 == "spoken" { used = $column["USED"]; peak = $column["PEAK"] }
        END { exit !(used ~ /^[0-9]+[.][0-9]M$/ && used + 0 >= 2 && peak + 0 >= used + 0 && peak + 0 < 256) }'
}

@test "list and the admin API show what a function holds" {
    local held
    meeting_source | nw_compile meeting.c -DAT_ONCE=4 '-DTEXT="met"'
    nw_deploy spoken "$BATS_TEST_TMPDIR/meeting.so" --slots 4 --timeout 60s
    nw_poll "$NW_PATIENCE" holds_threads 1
    meet spoken 3 3>&- & # until a fourth comes: threads that are idle would soon be ended
    held=$!
    nw_poll "$NW_PATIENCE" holds_threads 3
    nw_poll "$NW_PATIENCE" lists_memory
    nw_expect spoken '' met
    wait "$held"
    nw_poll "$NW_PATIENCE" tells_time
    nw_deploy spoken "$FUNCTIONS/hello/hello.so" --slots 2
    nw_poll "$NW_PATIENCE" holds_threads 1
    run -0 "$NIGHTWARD" remove spoken --state "$NW_STATE"
}

# The admin API names every resource of the table for a function and for a worker, and a domain that is up has its key.
@test "what is held is shown for each resource that is shared" {
    local name names
    nw_deploy holder "$FUNCTIONS/hello/hello.so"
    mapfile -t names < <(sed -n '/^| mappings/,/^$/s/^| \([^|]*\) |.*/\1/p' "$NW_ROOT/docs/reference/limits.md")
    ((${#names[@]} > 10))
    for name in "${names[@]}"; do
        run -0 "$JSON" "holds.$name" < <(nw_admin /v1/functions/holder)
        run -0 "$JSON" "workers.0.holds.$name" < <(nw_admin /v1/status)
    done
    run -0 "$NIGHTWARD" describe holder --state "$NW_STATE"
    [[ $output == *'load slots'* && $output == *'log lines'* && $output == *'payload memory'* ]]
    run -0 "$NIGHTWARD" remove holder --state "$NW_STATE"
}

holds_of() {
    [ "$(nw_admin "/v1/functions/$1" | "$JSON" "holds.$2")" = "$3" ]
}

loads_a_function() {
    [ "$(nw_admin /v1/functions/slow | "$JSON" "holds.load slots")" = 0 ]
    nw_admin /v1/status | grep -q '"load slots":[1-9]'
}

@test "a key is charged to the function that has it, and a load slot while it loads" {
    local deploying
    nw_deploy slow "$NW_BUILD/test/e2e/greedy/slow.so" --env SECONDS=0
    while :; do
        "$NIGHTWARD" deploy slow "$NW_BUILD/test/e2e/greedy/slow.so" --env SECONDS=1 --state "$NW_STATE" || true
    done >/dev/null 2>&1 3>&- &
    deploying=$!
    nw_poll "$NW_PATIENCE" loads_a_function
    kill "$deploying"
    wait "$deploying" || true
    nw_poll "$NW_PATIENCE" nw_deploy slow "$NW_BUILD/test/e2e/greedy/slow.so" --env SECONDS=0
    [ "$NW_TEST_MODE" != mpk ] || nw_poll "$NW_PATIENCE" holds_of slow keys 1
    run -0 "$NIGHTWARD" remove slow --state "$NW_STATE"
}

@test "settings of libc that are allowed reach a function" {
    local so=$NW_BUILD/test/worker/fixed.so
    run -1 "$NIGHTWARD" deploy fixed "$so" --state "$NW_STATE"
    [[ $output == *'static TLS block; raise static-tls'* ]]
    run -2 "$NIGHTWARD" deploy fixed "$so" --env GLIBC_TUNABLES=glibc.rtld.nns=9 --state "$NW_STATE"
    [[ $output == *'"glibc.rtld.nns" is none of glibc.malloc.*'* ]]
    nw_deploy fixed "$so" --static-tls 16K --env GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=85
    nw_expect fixed x '8192 of its own, filled with aa'
    [ "$(nw_admin /v1/functions/fixed | "$JSON" static-tls)" = 16K ]
    run -0 "$NIGHTWARD" remove fixed --state "$NW_STATE"
}

@test "invoke takes data, a file and standard input" {
    run -0 "$NIGHTWARD" invoke hello -d Ada --state "$NW_STATE"
    [ "$output" = 'Hello, Ada!' ]
    printf file >"$BATS_TEST_TMPDIR/in"
    run -0 "$NIGHTWARD" invoke hello -d "@$BATS_TEST_TMPDIR/in" --state "$NW_STATE"
    [ "$output" = 'Hello, file!' ]
    run -0 "$NIGHTWARD" invoke hello -d - --state "$NW_STATE" < <(printf pipe)
    [ "$output" = 'Hello, pipe!' ]
    NIGHTWARD_STATE=$NW_STATE run -0 "$NIGHTWARD" invoke hello -d env
    [ "$output" = 'Hello, env!' ]
}

@test "invoke of a function that is not there fails and says so" {
    run -1 "$NIGHTWARD" invoke no-such-function -d x --state "$NW_STATE"
    [[ $output == *no-such-function* ]]
}

@test "bad flags of deploy are named" {
    local flag
    for flag in '--slots none' '--slots 0' '--timeout soon' '--memory 1' '--env novalue' '--nonsense'; do
        run -2 "$NIGHTWARD" deploy x "$FUNCTIONS/echo/echo.so" --state "$NW_STATE" $flag
        [[ $output == *"${flag%% *}"* ]] || fail "$flag is not named: $output"
    done
}

@test "a weight and a part of a processor are kept, shown and checked" {
    nw_deploy weighed "$FUNCTIONS/hello/hello.so" --weight 300 --cpu-limit 50%
    nw_expect weighed you "Hello, you!"
    nw_deploy weighed "$FUNCTIONS/echo/echo.so" --weight 200
    [ "$(nw_admin /v1/functions/weighed | "$JSON" weight)" = 200 ]
    [ "$(nw_admin /v1/functions/weighed | "$JSON" cpu-limit)" = 50% ]
    "$NIGHTWARD" describe weighed --state "$NW_STATE" | grep -Eq '^cpu-limit +50%'
    nw_expect weighed you you
    run -2 --separate-stderr "$NIGHTWARD" deploy weighed "$FUNCTIONS/hello/hello.so" --cpu-limit 50 --state "$NW_STATE"
    [[ "$stderr" == *"cpu-limit"*"50%"* ]]
    run -0 "$NIGHTWARD" remove weighed --state "$NW_STATE"
}

# of_twenty FUNCTION TEXT: how many of twenty calls are answered with it.
of_twenty() {
    local n=0
    for ((i = 0; i < 20; i++)); do
        nw_call "$1" night
        [ "$code" = 200 ] || fail "status $code: $body"
        [[ $body != *"$2"* ]] || n=$((n + 1))
    done
    echo "$n"
}

@test "versions are shown, rolled back to and dealt out, also to calls of functions beside them" {
    nw_deploy bar "$FUNCTIONS/bar/bar.so" --env WORD=secret
    nw_deploy bar "$FUNCTIONS/echo/echo.so" --slots 3 --env WORD=other
    nw_deploy foo "$FUNCTIONS/foo/foo.so"
    run -0 "$NIGHTWARD" versions bar --state "$NW_STATE"
    [[ ${lines[1]} == v2*' 100% '*code*'slots 8 -> 3'*'env WORD'* && ${lines[2]} == v1*' 0% '* ]]
    [[ $output != *secret* && $output != *other* ]]
    [ "$(of_twenty foo 'bar heard')" -eq 0 ]
    "$NIGHTWARD" traffic bar v1=50% --state "$NW_STATE"
    [ "$(of_twenty foo 'bar heard')" -eq 10 ]
    [ "$(of_twenty bar 'bar heard')" -eq 10 ]
    run -0 "$NIGHTWARD" describe bar --state "$NW_STATE"
    [[ $output == *'traffic '*'number v1, percent 50, requests 20'*'number v2, percent 50, requests 20'* ]]
    for share in v1=120% v1=0 v1=x v1=0.5% 1=5% v1=; do
        run -2 "$NIGHTWARD" traffic bar v2=10% "$share" --state "$NW_STATE"
        [[ $output == *"\"$share\" is no part; give vN=PERCENT"* ]] || fail "$output"
    done
    run -1 "$NIGHTWARD" traffic bar v1=60% v2=60% --state "$NW_STATE"
    [[ $output == *'like v1=90% and v2=10%: each once'*'together at most 100'* ]] || fail "$output"
    "$NIGHTWARD" alias bar@old v1 --state "$NW_STATE"
    run -0 "$NIGHTWARD" invoke bar@old -d night --state "$NW_STATE"
    [[ $output == *'bar heard'* ]]
    "$NIGHTWARD" traffic bar --state "$NW_STATE"
    [ "$(of_twenty foo 'bar heard')" -eq 0 ]
    run -0 "$NIGHTWARD" rollback bar --state "$NW_STATE"
    [[ $output == *'rolled back "bar", v1,'*'its code has changed'*'slots is now 8; it was 3'*'variable WORD'* ]]
    [ "$(of_twenty foo 'bar heard')" -eq 20 ]
    run -1 "$NIGHTWARD" rollback bar --state "$NW_STATE"
    [[ $output == *'no version before v1 is kept'* ]]
    run -0 "$NIGHTWARD" deploy bar "$FUNCTIONS/bar/bar.so" --state "$NW_STATE"
    [[ $output == *'nothing changed: it is loaded anew, and stays v1'* ]]
    "$NIGHTWARD" alias bar@old --state "$NW_STATE"
    run -1 "$NIGHTWARD" invoke bar@old --state "$NW_STATE"
}
