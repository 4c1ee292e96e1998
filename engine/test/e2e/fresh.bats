# Fresh functions, seen from outside: what one call leaves the next does not find.
# timeout: 120

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

planter=$NW_BUILD/test/worker/planter.so

@test "what one call leaves the next does not find" {
    nw_deploy planter "$planter" --fresh
    for i in 1 2 3 4 5; do
        nw_expect planter "a secret of somebody, as long as 32" planted
        nw_expect planter look nothing
    done
    nw_expect_error planter crash 502 function_crashed
    nw_poll "$NW_PATIENCE" nw_answers planter look
    [ "$body" = nothing ]
}

@test "without --fresh it is found" {
    nw_deploy open-house "$planter"
    nw_expect open-house "a secret of somebody, as long as 32" planted
    nw_call open-house look
    [ "$code" = 200 ]
    [ "$body" != nothing ]
}

@test "calls at the same time take turns" {
    local i
    nw_deploy turns "$planter" --fresh --slots 4
    for i in {1..20}; do
        curl -sS --max-time 20 --data-binary look "$NW_URL/function/turns" >"$BATS_TEST_TMPDIR/$i" &
    done
    wait $(jobs -p)
    for i in {1..20}; do
        [ "$(cat "$BATS_TEST_TMPDIR/$i")" = nothing ]
    done
}

@test "a fresh function does not wait for itself" {
    nw_deploy planter "$planter" --fresh
    nw_expect planter self refused
}

@test "a function of which there is no snapshot cannot be fresh" {
    run "$NIGHTWARD" deploy starter "$planter" --fresh --env START=thread --state "$NW_STATE"
    [ "$status" -ne 0 ]
    [[ $output == *"it cannot be fresh, since no snapshot can be taken: it started threads while it was loaded"* ]]
    nw_call starter look
    [ "$code" = 404 ]
}

@test "a version stays fresh until it is said otherwise" {
    nw_deploy stays "$planter" --fresh
    nw_deploy stays "$planter" --timeout 9s
    [ "$(nw_admin /v1/functions/stays | "$JSON" fresh)" = true ]
    "$NIGHTWARD" describe stays --state "$NW_STATE" | grep -Eq '^fresh +yes'
    nw_expect stays "a secret of somebody, as long as 32" planted
    nw_expect stays look nothing
    nw_deploy stays "$planter" --reset fresh
    [ "$(nw_admin /v1/functions/stays | "$JSON" fresh)" = false ]
    nw_expect stays "a secret of somebody, as long as 32" planted
    nw_call stays look
    [ "$body" != nothing ]
}
