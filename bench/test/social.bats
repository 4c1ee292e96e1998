# bench/social: a short run.

@test "posts are composed and read in every mode that can run" {
    local root=$BATS_TEST_DIRNAME/../.. mode
    command -v wrk >/dev/null || skip "wrk is not installed"
    bats_require_minimum_version 1.5.0
    NW_BUILT=yes TMPDIR=$BATS_TEST_TMPDIR ROUNDS=1 SECONDS_EACH=1 run -0 --separate-stderr "$root/bench/social"
    for mode in process none; do
        [[ $output =~ $mode\ +compose\ +[1-9][0-9]*\ +[1-9] && $output =~ $mode\ +read\ +[1-9][0-9]*\ +[1-9] ]]
    done
}
