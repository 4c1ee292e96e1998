# bench/compare: its flags, its views on known numbers, and a short run.

bats_require_minimum_version 1.5.0

NW_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
NW_BUILD=$(cd "$NW_ROOT" && realpath "${NW_BUILD:-build}")
COMPARE=$NW_ROOT/bench/compare
export NW_BUILD

setup() {
    cd "$BATS_TEST_TMPDIR"
    export TMPDIR=$BATS_TEST_TMPDIR
    server=
}

teardown() {
    [ -z "$server" ] || kill "$server"
}

# misused TEXT FLAG...: refused with status 2 and the text, before anything starts.
misused() {
    local text=$1
    shift
    run -2 --separate-stderr "$COMPARE" "$@"
    [ -z "$output" ]
    [[ $stderr == *"$text"* && $stderr == *--help* ]] || { echo "$stderr"; return 1; }
}

# view NAME: what report/NAME.awk makes of about.tsv and results.tsv here.
view() {
    (source "$NW_ROOT/bench/lib/report.sh" && draw . "$1")
}

# result LOAD TARGET P50 P99 RATE CURVE
result() {
    printf '1\t%s\t%s\tus\t%s\t%s\t-\t%s\t10\t0\t-\t%s\n' "$@" >>results.tsv
}

# at PATH: of the JSON view.
at() {
    view json | "$NW_BUILD/test/e2e/json" "$1"
}

about() {
    printf 'rounds\t3\nprocessor\tA "fast" one\n' >about.tsv
    printf 'target\tnightward\tNightward 1\tnot pinned\ntarget\ta<b\tR&D\tCPU 1\n' >>about.tsv
    : >results.tsv
}

@test "help begins with examples and ends with 0" {
    run -0 --separate-stderr "$COMPARE" --help
    [ -z "$stderr" ]
    [[ $output == *Examples:*--nightcore*--url*--rounds*--quick*--out* ]]
}

@test "flags that make no sense are named" {
    misused '"--fly"' --fly
    misused '--rounds needs a value' --rounds
    misused '"0"' --rounds 0
    misused '"two"' --rounds two
    misused '"open/fast"' --loads noop/c1,open/fast
    misused '"1"' --nightcore-pin 1
    misused '"nowhere"' --url nowhere
    misused '"a b=http://127.0.0.1/"' --url 'a b=http://127.0.0.1/'
    misused '"a=https://127.0.0.1/"' --url a=https://127.0.0.1/
    misused '"nginx" is the name of another target' --url nginx=http://127.0.0.1/
    misused '"a" is given twice' --url a=http://127.0.0.1/1 --url a=http://127.0.0.1/2
}

@test "a folder that is no build of nightcore is refused, and says what is missing" {
    mkdir -p nightcore/bin/release
    install -m 755 /dev/null nightcore/bin/release/engine
    misused 'gateway, engine, launcher and func_worker_v1' --nightcore nightcore
    misused '"nowhere" is no build of nightcore' --nightcore nowhere
}

@test "a nightcore that does not start ends the run with its own words" {
    local program
    mkdir nightcore
    for program in gateway engine launcher func_worker_v1; do
        printf '#!/bin/sh\necho I am broken >&2\nexit 1\n' >nightcore/$program
        chmod +x nightcore/$program
    done
    run -1 --separate-stderr "$COMPARE" --nightcore nightcore --rounds 1 --loads idle --out report
    [[ $stderr == *'nightcore does not start'*'I am broken'* ]]
    [ ! -e report ]
}

@test "a URL that does not answer ends the run" {
    run -1 --separate-stderr "$COMPARE" --url gone=http://127.0.0.1:1/ --rounds 1 --loads idle --out report
    [[ $stderr == *'http://127.0.0.1:1/ does not answer'* ]]
}

@test "the views show medians and spread over the rounds" {
    about
    result noop/c1 nightward 30 90 1000 50:30,99:90
    result noop/c1 nightward 10 70 3000 50:10,99:70
    result noop/c1 nightward 20 - 2000 50:20,99:80
    result noop/c1 'a<b' 50 100 400 -
    result noop/c1 'a<b' 30 100 600 -
    [ "$(at results.0.p50)" = '{"median":20,"least":10,"greatest":30}' ]
    [ "$(at results.0.p99.median)" = 80 ]
    [ "$(at results.0.rate.median)" = 2000 ]
    [ "$(at results.0.n)" = 30 ]
    [ "$(at results.1.p50.median)" = 40 ]
    [ "$(at targets.1.name)" = 'a<b' ]
    [ "$(at processor)" = 'A "fast" one' ]
    run -0 view table
    [[ $output == *nightward*'20.0'*'[10.0 .. 30.0]'*'2,000'*'[1,000 .. 3,000]'*'1.00'* ]]
    [[ $output == *'a<b'*'40.0'*'[30.0 .. 50.0]'*'500'*'2.00'* ]]
}

@test "a target without a value is left out, and errors are shown" {
    about
    result nested/64 nightward 0.2 0.3 - -
    printf '1\tnested/64\ta<b\tus\t-\t-\t-\t-\t-\t4\t-\t-\n' >>results.tsv
    run -0 view table
    [[ $output == *'a<b'*' - '*'4 errors'* ]]
    [ "$(at results.1.errors)" = 4 ]
    run at results.1.p50
    [ "$status" -ne 0 ]
}

@test "the page needs nothing else and takes names as text" {
    about
    result noop/c1 nightward 20 80 2000 50:20,99:80
    result noop/c1 'a<b' 50 100 400 50:50,99:100
    result echo/1 nightward 20 80 2000 -
    result echo/1024 nightward 30 80 2000 -
    result open/1000 nightward 30 80 1000 -
    run -0 view html
    [[ $output != *'a<b'* && $output == *'a&lt;b'* && $output == *'R&amp;D'* ]]
    [[ $output == *'Latency by percentile'*'Latency by throughput'*'Echo over HTTP, by payload'* ]]
    [[ $output != *'Nested call, by payload'* ]]
    [[ ! $output =~ (src=|href=|<script|@import|url\() ]]
    run -0 view summary
    [[ $output == '<svg '*'a&lt;b'*'50.0 µs'*'</svg>' ]]
}

@test "a short run compares with a server given by its URL, and leaves nothing running" {
    local tries file
    "$NW_BUILD/test/io-usable" >why || skip "the server needs io_uring: $(cat why)"
    "$NW_BUILD/bench/echo_server" >port &
    server=$!
    for ((tries = 0; tries < 250; tries++)); do
        [ ! -s port ] || break
        sleep 0.02
    done
    run -0 --separate-stderr "$COMPARE" --quick --rounds 1 --loads noop/c1,open/500,nested/64,cold --out report \
        --url "plain=http://127.0.0.1:$(sed 's/port=//' port)/x"
    [[ $output == *plain*'(noop/c1)'*nightward*plain*'(open/500)'*nightward*plain*'(nested/64)'*nightward* ]]
    for file in about.tsv results.tsv results.json report.html summary.svg; do [ -s report/$file ]; done
    cd report
    [ "$(at results.0.load)" = noop/c1 ]
    [ "$(at results.0.target)" = nightward ]
    awk -F '\t' '$2 == "noop/c1" && $3 == "plain" && $5 > 0 && $8 > 0 { good++ } END { exit good != 1 }' results.tsv
    awk -F '\t' '$2 == "open/500" && $3 == "nightward" && $9 + $10 == 500 { good++ } END { exit good != 1 }' results.tsv
    cd ..
    [ -z "$(find . -name 'nightward.*')" ]
    ! pgrep -f "$BATS_TEST_TMPDIR/nightward"
}
