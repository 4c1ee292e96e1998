# What the tests of the nightward command share.

bats_require_minimum_version 1.5.0

NW_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
NW_BUILD=$(cd "$NW_ROOT" && realpath "${NW_BUILD:-build}")
NIGHTWARD=$NW_BUILD/bin/nightward
unset "${!NIGHTWARD_@}" NOTIFY_SOCKET

fail() {
    printf '%s\n' "$@" >&2
    return 1
}

# poll_until COMMAND...: runs it until it succeeds; fails after twenty seconds.
poll_until() {
    local end=$((${EPOCHREALTIME/[.,]/} + 20000000))
    until "$@" >/dev/null 2>&1; do
        ((${EPOCHREALTIME/[.,]/} < end)) || fail "never came true: $*"
        sleep 0.02
    done
}

# expect STATUS TEXT... -- COMMAND...: the command ends so, and its output has every text.
expect() {
    local wanted=$1 texts=() text
    shift
    while [ "$1" != -- ]; do
        texts+=("$1")
        shift
    done
    shift
    run timeout 20 "$@"
    [ "$status" = "$wanted" ] || fail "status $status instead of $wanted: $*" "$output"
    for text in "${texts[@]}"; do
        [[ $output == *"$text"* ]] || fail "\"$text\" is not in: $output"
    done
}
