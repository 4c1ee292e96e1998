# bench/scale with the least of everything: that it measures each line or names it, not what comes out. And what its report
# makes of measurements.
# waits: yes

setup() {
    bats_require_minimum_version 1.5.0
    cd "$BATS_TEST_TMPDIR" || exit 1
    ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    NW_BUILD=$(cd "$ROOT" && realpath "${NW_BUILD:-build}")
    export NW_BUILD NW_BUILT=yes TMPDIR=$BATS_TEST_TMPDIR
}

# at PATH: what lies there in scale.json
at() {
    "$NW_BUILD/test/e2e/json" "$1" <scale.json
}

report() {
    : >>notes
    awk -v json=scale.json -f "$ROOT/bench/report/scale.awk" about.tsv "$ROOT/bench/lib/scale_targets.tsv" scale.tsv notes
}

@test "every line is measured or skipped by name, and nothing is left behind" {
    local i name lines
    run -0 --separate-stderr "$ROOT/bench/scale" --functions 12 --deployed 20 --workers 3 --resident 3 --rounds 1 --seconds 1 \
        --out scale.json
    lines=$(at lines.#)
    for ((i = 0; i < lines; i++)); do
        name=$(at "lines.$i.name")
        echo "$name" >>names
        [[ $output == *"$name "* ]]
        at "lines.$i.median" >/dev/null || [ -n "$(at "lines.$i.skipped")" ]
    done
    while IFS=$'\t' read -r name _; do grep -qxF "$name" names; done <"$ROOT/bench/lib/scale_targets.tsv"
    at notes >/dev/null
    [ -z "$(find . -name 'nightward.*')" ]
    ! pgrep -f "$BATS_TEST_TMPDIR/nightward"
}

@test "misuse is named" {
    run -2 "$ROOT/bench/scale" --groups cold,warm
    [[ $output == *'no "warm"'* ]]
    run -2 "$ROOT/bench/scale" --functions none
    [[ $output == *'"none" is no number'* ]]
    run -2 "$ROOT/bench/scale" --rounds
    [[ $output == *'needs a value'* ]]
}

@test "a line is the median of its values, beside its target" {
    printf 'groups\trekey idle\n' >about.tsv
    printf 'rekey/time\tvalue\t%s\n' 50 30 90 >scale.tsv
    printf 'rekey/calls\tvalue\t24\nidle/cpu\tvalue\t0.5\nspread/turn/7/none\tvalue\t0.7\tx\n' >>scale.tsv
    printf 'note\ta "quoted" one\n' >notes
    run -0 report
    [ "$(at lines.#)" = 5 ]
    [ "$(at lines.0.name) $(at lines.0.median) $(at lines.0.least) $(at lines.0.greatest)" = 'rekey/time 50 30 90' ]
    [ "$(at lines.0.met)" = false ]
    [ "$(at lines.2.name) $(at lines.2.met)" = 'rekey/calls true' ] # at most 24
    [ "$(at lines.3.name) $(at lines.3.met)" = 'idle/cpu false' ]   # less than 0.5
    [ "$(at lines.4.name) $(at lines.4.unit)" = 'spread/turn/7/none x' ]
    [ "$(at notes.0)" = 'a "quoted" one' ]
}

@test "what a group could not measure is skipped, with its reason" {
    printf 'groups\tworkers\n' >about.tsv
    printf 'workers/start\tskipped\tnot "all" answered\n' >scale.tsv
    run -0 report
    [ "$(at lines.#)" = "$(grep -c ^workers/ "$ROOT/bench/lib/scale_targets.tsv")" ]
    [ "$(at lines.2.name): $(at lines.2.skipped)" = 'workers/stop: not "all" answered' ]
    [[ $output == *'workers/stop'*'skipped: not "all" answered'* ]]
}
