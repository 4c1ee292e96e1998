# Tenants: processes of their own, with real workers.
# sanitized: yes

load helper

setup_file() {
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
    nw_deploy "$FUNCTIONS/echo" --tenant shop
    nw_deploy "$FUNCTIONS/bar" --tenant bank
    nw_deploy "$FUNCTIONS/foo" --tenant shop
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
}

# Pids of the workers that serve a tenant.
tenant_pids() {
    local n i
    n=$(nw_status 'workers.#')
    for ((i = 0; i < n; i++)); do
        [ "$(nw_status "workers.$i.tenant")" != "$1" ] || nw_status "workers.$i.pid"
    done
}

@test "no process serves two tenants" {
    local shop bank
    shop=$(tenant_pids shop)
    bank=$(tenant_pids bank)
    [ -n "$shop" ] && [ -n "$bank" ]
    [ -z "$(comm -12 <(sort <<<"$shop") <(sort <<<"$bank"))" ]
    nw_expect echo back back
    nw_expect bar it 'bar heard it'
}

@test "dead workers of one tenant do not affect another" {
    local before pid
    before=$(tenant_pids bank)
    for pid in $(tenant_pids shop); do kill -KILL "$pid"; done
    nw_expect bar it 'bar heard it'
    nw_poll "$NW_PATIENCE" nw_answers echo back
    [ "$(tenant_pids bank)" = "$before" ]
}

@test "a call into another tenant needs that tenant's permission, and a refusal is logged" {
    nw_call foo night
    [[ $code != 200 && $body != *'bar heard'* ]] || fail "status $code: $body"
    nw_poll "$NW_PATIENCE" grep -q 'tenant "shop" may not call "bar" of tenant "bank"' "$NW_LOG"
    nw_deploy "$FUNCTIONS/bar" --tenant bank --callers shop
    nw_expect foo night 'foo called bar: bar heard night'
    nw_deploy "$FUNCTIONS/bar" --reset callers
    nw_call foo night
    [ "$code" != 200 ]
}

@test "list and status show the tenant of each function and worker" {
    local worker
    run -0 "$NIGHTWARD" list --state "$NW_STATE"
    [[ $output == *TENANT*WORKERS* ]]
    worker=$(nw_admin /v1/functions/bar | "$JSON" workers.0)
    grep -Eq "^bar +bank +$worker " <<<"$output" || fail "$output"
    run -0 "$NIGHTWARD" status --state "$NW_STATE"
    grep -Eq "worker $worker,.*tenant bank" <<<"$output" || fail "$output"
}
