# What functions of profile net reach, and with what.

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

@test "libcurl fetches a page by the name of its host" {
    local so=$BATS_TEST_TMPDIR/curl.so
    echo '#include <curl/curl.h>' | $CC -E - >/dev/null 2>&1 || skip "curl/curl.h is not installed"
    $CC -O1 -g -D_GNU_SOURCE -fPIC -shared -I"$NW_ROOT/include" "$NW_ROOT/engine/test/e2e/net/curl.c" -o "$so" -lcurl
    nw_deploy curl "$so" --profile net
    nw_deploy_samples hello
    nw_expect curl "http://localhost:${NW_URL##*:}/function/hello" 'Hello, world!'
}

@test "a function reaches the hosts that its list names, and no others" {
    local port=${NW_URL##*:}
    nw_deploy named "$NW_BUILD/test/worker/probe.so" --profile net --connect "localhost:$port"
    nw_expect named "connect 127.0.0.1 $port" ok
    nw_expect named "connect 127.0.0.1 1" EPERM
    nw_expect named "connect 127.0.0.2 $port" EPERM
    nw_expect named "lookup localhost" 127.0.0.1
}

@test "a name that cannot be looked up is logged and grants nothing" {
    nw_deploy lost "$NW_BUILD/test/worker/probe.so" --profile net --connect "no-such-host.invalid:*"
    nw_expect lost "connect 127.0.0.1 ${NW_URL##*:}" EPERM
    nw_poll "$NW_PATIENCE" grep -q 'cannot look up "no-such-host.invalid"' "$NW_LOG"
}

@test "a function reads certificates, and not the keys beside them" {
    nw_deploy probe "$NW_BUILD/test/worker/probe.so" --profile net
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] || nw_expect probe 'open /etc/ssl/certs/ca-certificates.crt' ok
    nw_expect probe 'open /etc/ssl/private' ENOENT
}
