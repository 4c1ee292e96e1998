# Nothing of the defences that a test build can leave out (protect/gate/without.h) is in what is installed.

setup() {
    cd "$BATS_TEST_DIRNAME/../.."
}

@test "the worker that is installed holds nothing that leaves a defence out" {
    run nm -a "$NW_BUILD/bin/nightward-worker"
    [ "$status" -eq 0 ]
    [[ $output == *nw_gate_dispatch* ]]
    [[ $output != *left_out* && $output != *without* ]]
    run ! grep -q NW_WITHOUT "$NW_BUILD/bin/nightward-worker"
}

@test "no program that is installed reads NW_WITHOUT" {
    for program in "$NW_BUILD"/bin/*; do
        run ! grep -q NW_WITHOUT "$program"
    done
}

@test "the worker of the tests refuses a defence that it does not know" {
    NW_WITHOUT=sacn run "$NW_BUILD/test/worker/nightward-worker-without"
    [ "$status" -eq 2 ]
    [[ $output == *'knows no defence "sacn"'* ]]
}
