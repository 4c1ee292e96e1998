# bench/tail: its flags, its views on known numbers, and a short run.

bats_require_minimum_version 1.5.0

NW_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
NW_BUILD=$(cd "$NW_ROOT" && realpath "${NW_BUILD:-build}")
export NW_BUILD NW_BUILT=yes

setup() {
    cd "$BATS_TEST_TMPDIR"
    export TMPDIR=$BATS_TEST_TMPDIR
}

# misused TEXT FLAG...: refused with status 2 and the text, before anything starts.
misused() {
    local text=$1
    shift
    run -2 --separate-stderr "$NW_ROOT/bench/tail" "$@"
    [ -z "$output" ]
    [[ $stderr == *"$text"* && $stderr == *--help* ]] || { echo "$stderr"; return 1; }
}

# view NAME: of tail.tsv here.
view() {
    (source "$NW_ROOT/bench/lib/report.sh" && draw . "$1")
}

# result ROUND MIX TARGET LOAD DUE RATE PREEMPTED P99 SHORT_P99
result() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\t10\t0\t3\t900\t20\t%s\t50:30,99:%s\t50:20,99:%s\n' "$@" >>tail.tsv
}

@test "help begins with examples, and flags that make no sense are named" {
    run -0 --separate-stderr "$NW_ROOT/bench/tail" --help
    [[ $output == *Examples:*--policies*--nightcore*--rounds* ]]
    misused '"--fly"' --fly
    misused '"fast"' --policies levels,fast
    misused '"normal"' --mixes normal
    misused '"70%"' --loads 70%
    misused '"0"' --seconds 0
    misused '--mode needs a value' --mode
    misused '"nowhere" is no build of nightcore' --nightcore nowhere
}

@test "the views show medians by policy and load, and goodput over its peak" {
    printf 'about\tseconds\t2\nabout\trounds\t3\ntarget\tlevels\tNightward\tfree\ntarget\ta<b\tR&D\tCPU 1\n' >tail.tsv
    result 1 bimodal levels 70 1000 998 400 700 40
    result 2 bimodal levels 70 1000 994 200 500 20
    result 3 bimodal levels 70 1000 996 600 600 30
    result 1 bimodal 'a<b' 70 1000 500 - 9000 8000
    result 1 overload levels 100 500 480 - - -
    result 1 overload levels 1000 5000 456 - - -
    run -0 view tail
    [[ $output == *'bimodal, 70% of capacity'*levels*'1,000'*' 996'*'600'*'30.0'*' 200 '*'a<b'*'8,000'* ]]
    [[ $output == *overload*levels*' 100 '*' 1.00 '*levels*' 1000 '*' 0.95 '* ]]
    run -0 view html
    [[ $output == *'bimodal, short ones: p99'*'<svg '*'a&lt;b'*'over the peak'*'0.95'* ]]
    [[ $output != *'a<b'* && ! $output =~ (src=|href=|<script|@import|url\() ]]
}

@test "a short run measures each load once, and leaves nothing running" {
    run -0 --separate-stderr "$NW_ROOT/bench/tail" --policies levels --mixes bimodal,overload --loads 10 --rounds 1 --seconds 0.3 \
        --out report
    [ -s report/report.html ]
    awk -F '\t' '$2 == "bimodal" && $3 == "levels" && $4 == "10" && $7 > 0 && $12 >= 0 && $14 ~ /^50:[0-9.]+,/ { good++ }
        $2 == "overload" && $4 == "1000" && $7 + $9 > 0 { over++ }
        END { exit good != 1 || over != 1 }' report/tail.tsv
    [ -z "$(find . -name 'nightward.*')" ]
    ! pgrep -f "$BATS_TEST_TMPDIR/nightward"
}
