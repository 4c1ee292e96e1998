# The logs of functions as `nightward logs` and the admin API show them: what is in a line, what survives, and what
# functions that write more than they may, or other than lines, can do to it.

load e2e/helper

talker=$NW_BUILD/test/worker/talker.so

teardown() {
    [ -z "${follower:-}" ] || kill "$follower" 2>/dev/null || true
    nw_down
}

logs() {
    "$NIGHTWARD" logs --state "$NW_STATE" "$@"
}

# says NAME TEXT [CURL FLAGS]: has the function write it.
says() {
    nw_call "$@"
    [ "$code" = 200 ] || fail "$1 \"$2\": $code $body"
}

# shows NAME TEXT: a line of the log ends with it.
shows() {
    logs "$1" | grep -q -- "$2\$"
}

# await NAME TEXT: lines come to the disk a little later.
await() {
    nw_poll "$NW_PATIENCE" shows "$@" || fail "\"$2\" is not in the log of $1:" "$(logs "$1")"
}

@test "a line has time, function, version, worker and slot, request and stream" {
    nw_up
    nw_deploy talker "$talker"
    says talker $'from stderr\n>from stdout\n' -H 'X-Request-Id: the-request'
    await talker 'stdout: from stdout'
    run -0 logs --request the-request talker
    [ "${#lines[@]}" = 2 ]
    local version time='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z'
    version=$(nw_version talker)
    [[ ${lines[0]} =~ $time\ talker\ $version\ [0-9]+/[0-9]+\ the-request\ stderr:\ from\ stderr$ ]] || fail "$output"
    [[ ${lines[1]} =~ $time\ talker\ $version\ [0-9]+/[0-9]+\ the-request\ stdout:\ from\ stdout$ ]] || fail "$output"
    run -0 logs --request the-request --json talker
    [ "$("$JSON" text <<<"${lines[0]}")" = "from stderr" ]
    [ "$("$JSON" request <<<"${lines[1]}")" = the-request ]
    [ "$("$JSON" version <<<"${lines[1]}")" = "$version" ]
    run -0 logs --request another talker
    [ -z "$output" ]
    run -0 logs --since 1h talker
    [ "${#lines[@]}" = 2 ]
}

@test "lines come in pages, and new ones to those who follow" {
    nw_up
    nw_deploy talker "$talker"
    says talker $'one\ntwo\nthree\n'
    await talker 'stderr: three'
    local page next
    page=$(nw_admin '/v1/logs/talker?limit=2')
    [ "$("$JSON" lines.1.text <<<"$page")" = two ]
    [ "$("$JSON" more <<<"$page")" = true ]
    next=$("$JSON" next <<<"$page")
    page=$(nw_admin "/v1/logs/talker?after=$next")
    [ "$("$JSON" lines.0.text <<<"$page")" = three ]
    [ "$("$JSON" more <<<"$page")" = false ]
    logs -f talker >"$BATS_TEST_TMPDIR/followed" 2>"$BATS_TEST_TMPDIR/end" 3>&- &
    follower=$!
    nw_poll "$NW_PATIENCE" grep -q 'stderr: three$' "$BATS_TEST_TMPDIR/followed"
    says talker $'four\n'
    nw_poll "$NW_PATIENCE" grep -q 'stderr: four$' "$BATS_TEST_TMPDIR/followed"
    [ "$(grep -c . "$BATS_TEST_TMPDIR/followed")" = 4 ]
    "$NIGHTWARD" remove talker --state "$NW_STATE"
    local status=0
    wait "$follower" || status=$?
    follower=
    [ "$status" = 1 ]
    grep -q 'no function of this name' "$BATS_TEST_TMPDIR/end"
    [ ! -e "$NW_STATE/logs/talker" ]
}

@test "lines survive kill -9, and what it cut off is no line" {
    nw_up
    nw_deploy talker "$talker"
    says talker $'before\n'
    await talker 'stderr: before'
    kill -KILL "$(nw_engine_pid)"
    nw_poll "$NW_PATIENCE" nw_ready
    printf '{"time":"2026-' >>"$NW_STATE/logs/talker"
    shows talker 'stderr: before'
    says talker $'behind\n'
    await talker 'stderr: behind'
    [ "$(logs talker | wc -l)" = 2 ]
}

@test "text is not taken for anything else" {
    nw_up
    nw_deploy talker "$talker"
    nw_deploy victim "$talker"
    local line='{"time":"2026-01-01T00:00:00.000000Z","function":"victim","request":"forged","text":"forged"}'
    says talker $'\x1b[2Jcolour\r\x7f\xc2\x9b\xff"}\n'"$line"$'\n'
    printf 'NUL\0behind\n' | curl -sS --data-binary @- "$NW_URL/function/talker"
    await talker 'stderr: NUL\\x00behind'
    logs talker | grep -qF 'stderr: \x1b[2Jcolour\x0d\x7f\xc2\x9b' || fail "$(logs talker)"
    logs talker | grep -qF "stderr: $line"
    [ "$(logs talker | wc -l)" = 3 ]
    [ -z "$(logs victim)" ]
    [ -z "$(logs --request forged talker)" ]
    logs talker | LC_ALL=C grep -q '[[:cntrl:]]' && fail "a control character is shown as it is"
    says victim $'mine\n'
    await victim 'stderr: mine'
}

# told NAME: lines that are there, and those that are said to be lost.
told() {
    logs "$1" | awk '/ host: [0-9]+ lines are lost here/ { sub(/.* host: /, ""); n += $1; next } { n++ } END { print n }'
}

told_all() {
    [ "$(told "$1")" = "$2" ]
}

@test "who floods its log loses lines, which are counted, and delays nobody" {
    nw_up
    nw_deploy talker "$talker" --slots 8
    nw_deploy neighbour "$talker"
    head -c 1048576 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/long"
    yes flood | head -n 5000 >"$BATS_TEST_TMPDIR/lines"
    local i pids=()
    for i in 1 2 3 4 5 6 7 8; do
        curl -sS -o /dev/null --max-time 60 --data-binary "@$BATS_TEST_TMPDIR/lines" "$NW_URL/function/talker" 3>&- &
        pids+=($!)
    done
    for i in 1 2 3 4 5 6 7 8 9 10; do
        says neighbour "line $i"$'\n'
    done
    wait "${pids[@]}"
    await neighbour 'stderr: line 10'
    [ "$(logs neighbour | wc -l)" = 10 ]
    nw_poll "$NW_PATIENCE" told_all talker 40000 || fail "$(told talker) of 40000 lines are there or counted"
    curl -sS -o /dev/null --max-time 60 --data-binary "@$BATS_TEST_TMPDIR/long" "$NW_URL/function/talker"
    says neighbour $'still there\n'
    await neighbour 'stderr: still there'
    await talker 'stderr: xxx.*'
}

# The engine may write to no file then, so its own log is a pipe.
@test "a full disk stops no request, and what was lost is counted" {
    export NW_STATE=$BATS_TEST_TMPDIR/state
    mkfifo "$NW_STATE.log"
    cat "$NW_STATE.log" >"$BATS_TEST_TMPDIR/log" 3>&- &
    nw_up
    nw_deploy talker "$talker"
    says talker $'before\n'
    await talker 'stderr: before'
    prlimit --pid "$(nw_engine_pid)" --fsize=1:
    says talker $'no room\n'
    nw_poll "$NW_PATIENCE" grep -q 'the log of function "talker" cannot be written: File too large' \
        "$BATS_TEST_TMPDIR/log"
    says talker $'none either\n'
    prlimit --pid "$(nw_engine_pid)" --fsize=unlimited:
    says talker $'behind\n'
    await talker 'stderr: behind'
    nw_poll "$NW_PATIENCE" told_all talker 4 || fail "$(logs talker)"
    logs talker | grep -q 'stderr: no room$' && fail "what was lost is there"
    shows talker 'stderr: before'
}

@test "old lines make room" {
    nw_up --log-size 64K
    nw_deploy talker "$talker"
    head -c 3000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/long"
    local i
    for i in {1..40}; do
        says talker "$(cat "$BATS_TEST_TMPDIR/long") $i"$'\n'
    done
    await talker ' 40'
    shows talker ' 1' && fail "the first line is still there"
    [ "$(cat "$NW_STATE/logs/"* | wc -c)" -le 65536 ]
}

@test "with two threads every line has its request" {
    nw_up --engine-threads 2
    nw_deploy talker "$talker"
    local i
    for i in {1..12}; do
        says talker "line of r$i"$'\n' -H "X-Request-Id: r$i"
    done
    await talker 'line of r12'
    for i in {1..12}; do
        logs --request "r$i" talker | grep -q "line of r$i\$" || fail "$(logs talker)"
    done
}

@test "unknown functions, wrong words" {
    nw_up
    nw_deploy talker "$talker"
    run -1 logs nobody
    [[ $output == *'cannot show the log of "nobody"'* ]]
    [ "$(nw_admin /v1/logs/nobody -o /dev/null -w '%{http_code}')" = 404 ]
    for query in after=x since=-1 limit=0 limit=1001 wait=25001 colour=1 "request=$(printf 'x%.0s' {1..70})"; do
        [ "$(nw_admin "/v1/logs/talker?$query" -o /dev/null -w '%{http_code}')" = 400 ] || fail "$query"
    done
    [ "$(nw_admin /v1/logs/talker -X POST -o /dev/null -w '%{http_code}')" = 405 ]
    run -2 logs
    run -2 logs --since soon talker
    run -2 logs --color talker
    run -2 logs ../talker
}

@test "a crash is in the log of the function, and the last of them are described" {
    nw_up
    nw_deploy "$FUNCTIONS/fault"
    local i
    for i in 1 2 3 4 5 6 7; do
        nw_call fault "write 0x100$i"
        [ "$code" = 502 ] || [ "$code" = 503 ]
        [[ $body != *SIGSEGV* ]]
        nw_poll "$NW_PATIENCE" nw_answers fault ok
    done
    nw_poll "$NW_PATIENCE" described_crashes 5 || fail "$(nw_admin /v1/functions/fault)"
    "$NIGHTWARD" describe fault --state "$NW_STATE" | grep -q '^crashes .*function_crashed.*SIGSEGV at address 0x1007, instruction 0x[0-9a-f]*'
    [ "$(nw_admin /v1/functions/fault | "$JSON" crashes.4.reason | cut -d, -f1)" = "SIGSEGV at address 0x1003" ]
    nw_poll "$NW_PATIENCE" eval "logs fault | grep -q 'host: function_crashed: SIGSEGV at address 0x1007'"
}

described_crashes() {
    [ "$(nw_admin /v1/functions/fault | "$JSON" 'crashes.#')" = "$1" ]
}

# accessed FILE TEXT: a line of the access log has it.
accessed() {
    grep -qF -- "$2" "$1"
}

@test "the access log has a line for each request, and is opened anew when it was moved away" {
    local log=$BATS_TEST_TMPDIR/access
    nw_up --access-log "$log"
    nw_deploy talker "$talker"
    says talker quiet -H 'X-Request-Id: a1'
    curl -sS -o /dev/null "$NW_URL/no/such%22path?secret=1"
    curl -sS -o /dev/null -I "$NW_URL/healthz"
    nw_poll "$NW_PATIENCE" accessed "$log" 'path="/healthz"' || fail "$(cat "$log")"
    grep -Eq '^time="[0-9-]+T[0-9:.]+Z" client="127.0.0.1:[0-9]+" method="POST" path="/function/talker" function="talker" request_id="a1" status=200 bytes=0 duration=[0-9]+\.[0-9]{6}$' "$log" || fail "$(cat "$log")"
    accessed "$log" 'path="/no/such%22path"'
    accessed "$log" 'method="HEAD"'
    grep -q secret "$log" && fail "a query is in it"
    [ "$(wc -l <"$log")" = 3 ]
    mv "$log" "$log.1"
    kill -HUP "$NW_PID"
    nw_poll "$NW_PATIENCE" test -e "$log" || fail "it was not opened anew"
    says talker quiet -H 'X-Request-Id: a2'
    nw_poll "$NW_PATIENCE" accessed "$log" a2
    [ "$(wc -l <"$log.1")" = 3 ]
}

@test "the log of the host, and of accesses, as JSON" {
    nw_up --log-format json --access-log -
    nw_deploy talker "$talker"
    says talker $'a "quoted" \\ line \xff\n' -H 'X-Request-Id: j1'
    nw_poll "$NW_PATIENCE" accessed "$NW_LOG" '"request_id":"j1"' || fail "$(cat "$NW_LOG")"
    nw_poll "$NW_PATIENCE" accessed "$NW_LOG" quoted
    local line
    while read -r line; do
        [ -n "$("$JSON" time <<<"$line")" ] || fail "$line"
    done <"$NW_LOG"
    [ "$(grep -F quoted "$NW_LOG" | "$JSON" message)" = 'function talker: a "quoted" \ line ?' ]
    [ "$(grep -F j1 "$NW_LOG" | "$JSON" status)" = 200 ]
    grep -q '"program":"nightward","message":"ready on ' "$NW_LOG"
}
