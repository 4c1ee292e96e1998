# What /metrics says of functions and the host, who may read it, and that its text is sound while functions come and go.
# timeout: 300
# waits: yes

load e2e/helper

setup() {
    nw_require_mode
}

teardown() {
    nw_down
}

# metric NAME [LABELS]: the value of a series, from the admin socket.
metric() {
    nw_admin /metrics | awk -v wanted="$1${2:+{$2\}}" 'index($0, wanted " ") == 1 { print $NF; found = 1 }
        END { exit !found }'
}

requests() {
    metric nightward_function_requests_total "function=\"$1\",outcome=\"$2\""
}

has() {
    [ "$(metric "$1" "$2")" = "$3" ]
}

# expect_sound FILE: every metric is told of once, before its samples, which stand together; no series is there twice.
expect_sound() {
    awk '/^# HELP / { if ($3 in told) exit 1; told[$3] = 1; next }
        /^# TYPE / { name = $3; type = $4; next }
        { series = $0; sub(/ [^ ]*$/, "", series); base = series; sub(/\{.*/, "", base)
          if (type == "histogram") sub(/_(bucket|sum|count)$/, "", base)
          if (base != name || series in seen || $NF !~ /^[0-9.]+$/) { print "wrong: " $0; exit 1 }
          seen[series] = 1; n++ }
        END { exit n < 50 }' "$1"
}

@test "requests are counted by how they ended" {
    nw_up
    nw_deploy_samples hello
    nw_deploy "$FUNCTIONS/fault" --timeout 1s
    nw_expect hello Ada 'Hello, Ada!'
    nw_expect hello Ada 'Hello, Ada!'
    nw_expect_error fault return 500 function_failed
    nw_expect_error fault segv 502 function_crashed
    nw_expect_error fault loop 504 function_timeout
    [ "$(requests fault violation)" = 0 ]
    nw_call fault ok
    nw_call fault 'sleep 9' -H 'X-Timeout: 100ms'
    ! curl -sS --max-time 0.3 -d 'sleep 9' "$NW_URL/function/fault"
    [ "$(requests hello ok)" = 2 ]
    [ "$(requests fault ok)" = 1 ]
    [ "$(requests fault error)" = 1 ]
    [ "$(requests fault crash)" = 1 ]
    [ "$(requests fault timeout)" = 2 ]
    nw_poll "$NW_PATIENCE" has nightward_function_requests_total 'function="fault",outcome="cancelled"' 1
    [ "$(metric nightward_function_duration_seconds_count 'function="hello"')" = 2 ]
    [ "$(metric nightward_function_duration_seconds_bucket 'function="fault",le="0.5"')" -ge 3 ]
    [ "$(metric nightward_function_duration_seconds_bucket 'function="fault",le="+Inf"')" = 6 ]
    nw_poll "$NW_PATIENCE" has nightward_function_restarts_total 'function="fault",reason="crash"' 1
    nw_poll "$NW_PATIENCE" has nightward_function_requests_in_flight 'function="fault"' 0
    metric nightward_function_cpu_seconds_total 'function="fault"' | awk '{ exit !($1 > 0.05) }' # it has looped for 1 s, beside whatever else runs
    [ "$(metric nightward_functions)" = 2 ]
    [ "$(metric nightward_ready)" = 1 ]
    [ "$(metric process_open_fds)" = "$(find "/proc/$(nw_engine_pid)/fd" -mindepth 1 | wc -l)" ] ||
        [ "$(metric process_open_fds)" -gt 0 ]
}

@test "counters go on with another version, and in all threads of the engine; removal ends them" {
    nw_up --engine-threads 2
    nw_deploy both "$FUNCTIONS/echo/echo.so"
    "$LOAD" --clients 8 --requests 4 "${NW_URL#http://}" /function/both
    nw_poll "$NW_PATIENCE" has nightward_function_requests_total 'function="both",outcome="ok"' 32
    nw_deploy both "$FUNCTIONS/hello/hello.so"
    nw_expect both Bea 'Hello, Bea!'
    nw_poll "$NW_PATIENCE" has nightward_function_requests_total 'function="both",outcome="ok"' 33
    "$NIGHTWARD" remove both --state "$NW_STATE"
    ! requests both ok
}

@test "only who may use the admin socket reads them, unless a port is given" {
    local url
    nw_up
    [ "$(curl -s -o "$BATS_TEST_TMPDIR/answer" -w '%{http_code}' "$NW_URL/metrics")" = 404 ]
    ! grep -q nightward_ "$BATS_TEST_TMPDIR/answer"
    nw_down
    nw_up --metrics 127.0.0.1:0
    url=$(sed -n 's|.*metrics at \(http://[0-9.:]*\)/metrics.*|\1|p' "$NW_LOG" | tail -n 1)
    curl -s --max-time 20 -D "$BATS_TEST_TMPDIR/head" "$url/metrics?x=1" | grep -q '^nightward_ready 1$'
    grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8' "$BATS_TEST_TMPDIR/head"
    [ "$(curl -s -o /dev/null -w '%{http_code}' "$url/v1/status")" = 404 ]
    [ "$(curl -s -o /dev/null -w '%{http_code}' -d x "$url/metrics")" = 405 ]
    [ "$(curl -s -o /dev/null -w '%{http_code}' "$url/function/hello")" = 404 ]
    run -111 "$NIGHTWARD" up --listen 127.0.0.1:0 --state "$BATS_TEST_TMPDIR/other" --metrics "${url#http://}"
    [[ $output == *"${url#http://}: the port is in use; stop what serves there or choose another"* ]] || fail "$output"
    [[ $output != *--listen* ]] || fail "$output" # it was not what named the port
    nw_down
    run -111 "$NIGHTWARD" up --listen 127.0.0.1:0 --state "$NW_STATE" --metrics 192.0.2.1:1
    [[ $output == *192.0.2.1:1* ]]
    run -2 "$NIGHTWARD" up --state "$NW_STATE" --metrics here
    [[ $output == *--metrics* ]]
}

@test "the text is sound while functions come and go" {
    local i pid scrape=$BATS_TEST_TMPDIR/scrape
    nw_up
    nw_deploy_samples hello echo
    for ((i = 0; i < 9; i++)); do
        nw_deploy "f$((i % 3))" "$FUNCTIONS/noop/noop.so"
        curl -s --max-time 20 -d x "$NW_URL/function/f$((i % 3))" >/dev/null
        "$NIGHTWARD" remove "f$(((i + 1) % 3))" --state "$NW_STATE" 2>/dev/null || true
    done 3>&- &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        nw_admin /metrics >"$scrape"
        expect_sound "$scrape"
    done
    wait "$pid"
    [ "$(metric nightward_function_domains 'function="hello"')" = 1 ]
}

@test "promtool has nothing to say against it" {
    command -v promtool >/dev/null || skip "promtool is missing (package prometheus)"
    nw_up
    nw_deploy_samples hello fault
    nw_expect hello Ada 'Hello, Ada!'
    nw_admin /metrics >"$BATS_TEST_TMPDIR/scrape"
    run -0 promtool check metrics <"$BATS_TEST_TMPDIR/scrape"
    [ -z "$output" ]
}

@test "top shows how busy functions are, for people and for programs" {
    local pid
    nw_up
    nw_deploy_samples hello fault
    "$LOAD" --clients 2 --requests 0 --input Ada --expect 'Hello, Ada!' --seconds 20 --tolerate "${NW_URL#http://}" \
        /function/hello >/dev/null 2>&1 3>&- &
    pid=$!
    nw_poll "$NW_PATIENCE" requests hello ok
    run -0 "$NIGHTWARD" top --once --interval 300ms --state "$NW_STATE"
    [[ ${lines[0]} == FUNCTION* && ${lines[1]} == hello* && ${lines[2]} == fault* && $output != *$'\033'* ]]
    awk '{ exit !($2 > 0 && $3 ~ /[0-9](us|ms|s)$/ && $4 ~ /s$/) }' <<<"${lines[1]}"
    run -0 "$NIGHTWARD" top --once --json --interval 300ms --state "$NW_STATE"
    [ "$("$JSON" functions.0.name <<<"$output")" = hello ]
    awk -v rate="$("$JSON" functions.0.rate <<<"$output")" 'BEGIN { exit !(rate > 0) }'
    [ "$("$JSON" functions.1.p99 <<<"$output")" = null ]
    kill "$pid"
    wait "$pid" || true
    run -2 "$NIGHTWARD" top --interval 1 --state "$NW_STATE"
    [[ $output == *--interval* ]]
    run -111 "$NIGHTWARD" top --once --state "$BATS_TEST_TMPDIR"
}

# Names of metrics in a file, without the endings of the parts of histograms.
names_in() {
    grep -o '\(nightward\|process\)_[a-z_]*' "$1" | sed 's/_seconds_\(bucket\|sum\|count\)$/_seconds/' | sort -u
}

@test "dashboard and alerts ask for metrics that there are" {
    local name file known=$BATS_TEST_TMPDIR/known
    sed -n 's/^| `\([a-z_]*\)` .*/\1/p' "$NW_ROOT/docs/reference/metrics.md" | sort >"$known"
    for file in "$NW_ROOT/deploy/grafana/nightward.json" "$NW_ROOT/deploy/alerts/nightward.yml"; do
        [ "$(names_in "$file" | wc -l)" -gt 5 ]
        for name in $(names_in "$file"); do
            grep -qx "$name" "$known" || fail "$file: there is no $name"
        done
    done
    [ "$("$JSON" title <"$NW_ROOT/deploy/grafana/nightward.json")" = Nightward ]
    for name in $(sed -n 's/.*outcome=~\{0,1\}"\([a-z|]*\)".*/\1/p' "$NW_ROOT/deploy/alerts/nightward.yml" | tr '|' '\n'); do
        grep -q "^\* \`$name\`" "$NW_ROOT/docs/reference/metrics.md" || fail "there is no outcome $name"
    done
}

@test "promtool takes the alerts" {
    command -v promtool >/dev/null || skip "promtool is missing (package prometheus)"
    promtool check rules "$NW_ROOT/deploy/alerts/nightward.yml"
}

@test "a function that reaches for memory of others is told from one that crashes" {
    local number worker address i
    nw_up
    [ "$(nw_status mode)" = mpk ] || skip "only keys tell the two apart"
    nw_deploy_samples fault hello
    nw_expect hello Ada 'Hello, Ada!'
    number=$(nw_admin /v1/functions/fault | "$JSON" workers.0)
    for ((i = 0; i < $(nw_status 'workers.#'); i++)); do
        [ "$(nw_status "workers.$i.worker")" != "$number" ] || worker=$(nw_status "workers.$i.pid")
    done
    address=0x$(awk '/rw-p/ && /\[heap\]/ { sub(/-.*/, "", $1); print $1; exit }' "/proc/$worker/maps")
    nw_expect_error fault "read $address" 502 function_crashed
    [ "$(requests fault violation)" = 1 ]
    [ "$(requests fault crash)" = 0 ]
    nw_poll "$NW_PATIENCE" has nightward_function_restarts_total 'function="fault",reason="crash"' 1
}
