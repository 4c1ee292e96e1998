# What compat.bats needs besides the helper of end-to-end tests: rows of rows.txt, and servers on this machine.

load ../../engine/test/e2e/helper

HERE=$NW_ROOT/functions/compat
PYTHON=/usr/bin/python3 # the one that Debian's modules are for

# --- rows ------------------------------------------------------------------------------------------------------------

# cell ID COLUMN
cell() {
    awk -F'|' -v id="$1" -v column="$2" '$1 == id " " { gsub(/^ +| +$/, "", $column); print $column }' "$HERE/rows.txt"
}

# version_of ID: of the row's package, or what its command says; nothing when there is neither
version_of() {
    local package
    package=$(cell "$1" 3)
    case $package in
    rustc) rustc --version 2>/dev/null | cut -d' ' -f2 ;;
    go) go version 2>/dev/null | cut -d' ' -f3 ;;
    *) dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$package" 2>/dev/null | sed -n 's/^installed //p' ;;
    esac
}

# row: the row of this test, in $ID; skips it when its package is missing. A test of no row has no colon in its name.
row() {
    [[ $BATS_TEST_DESCRIPTION == *:* ]] || return 0
    ID=${BATS_TEST_DESCRIPTION%%:*}
    [ -n "$(version_of "$ID")" ] || skip "$(cell "$ID" 3) is not installed"
}

# built: the row's function is $SO; skips the test where only what runs is installed.
built() {
    SO=$NW_BUILD/compat/${ID%%-*}.so
    [ -e "$SO" ] || skip "$(cell "$ID" 3) is installed without what is needed to build a function with it"
}

# deploy [WORD=VALUE...]: deploys the row's function, with these in place of the words in its settings.
deploy() {
    local settings pair
    built
    settings=$(cell "$ID" 4)
    for pair in "$@"; do
        settings=${settings//${pair%%=*}/${pair#*=}}
    done
    nw_deploy "$ID" "$SO" --timeout 10s $settings
}

# found RESULT: what the table has to say of the row, once all that was asserted before was so
found() {
    printf '%s\t%s\t%s\n' "$ID" "$(version_of "$ID")" "$1" >>"$RESULTS/$NW_TEST_MODE"
}

# works [CALL]: and no system call was refused to it, but this one
works() {
    local refused
    refused=$(grep "function $ID: system call .* refused" "$NW_LOG" | grep -v "system call ${1:-none} " || true)
    [ -z "$refused" ] || fail "$refused"
    found works
}

# works_not WHY: what the test has seen fail; when that works one day, the test fails and the table is to be written again.
works_not() {
    found "does not work: $1"
}

# answers INPUT OUTPUT: the row's function, asked twice, says this both times.
answers() {
    nw_expect "$ID" "$1" "$2"
    nw_expect "$ID" "$1" "$2"
}

# --- servers, each with its pid in $SERVERS --------------------------------------------------------------------------

# serve PORT COMMAND...: starts a server and waits until something listens on the port.
serve() {
    local port=$1 pid
    shift
    "$@" >>"$BATS_FILE_TMPDIR/servers.log" 2>&1 </dev/null 3>&- &
    pid=$!
    echo "$pid" >>"$SERVERS"
    nw_poll "$NW_PATIENCE" listens_or_dead "$pid" "$port" || true
    nw_running "$pid" || fail "$1 ended:" "$(tail "$BATS_FILE_TMPDIR/servers.log")"
}

listens_or_dead() {
    nw_gone "$1" || listens "$2"
}

listens() {
    (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port that nobody listens on, below those that the kernel gives away.
free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + SRANDOM % 12000))
        listens "$port" || { echo "$port" && return; }
    done
    fail "no free port"
}

end_servers() {
    local pid
    while read -r pid; do
        kill "$pid" 2>/dev/null || true
        nw_poll "$NW_PATIENCE" nw_gone "$pid" || fail "a server is left: $pid"
    done <"$SERVERS"
}

# redis: a server of its own, on $PORT
redis() {
    command -v redis-server >/dev/null || skip "redis-server is not installed"
    PORT=$(free_port)
    serve "$PORT" redis-server --bind 127.0.0.1 --port "$PORT" --save '' --dir "$BATS_TEST_TMPDIR"
}

# A name of this machine that is more than "localhost", which some know by heart
local_name() {
    awk '$1 == "127.0.0.1" { for (i = 2; i <= NF; i++) if ($i !~ /localhost/) { print $i; exit } }' /etc/hosts
}

# web: openssl as a server of HTTPS for $NAME, on $PORT; its certificate is cert.pem
web() {
    NAME=$(local_name)
    NAME=${NAME:-localhost}
    PORT=$(free_port)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$NAME" -addext "subjectAltName=DNS:$NAME" \
        -keyout "$BATS_TEST_TMPDIR/key.pem" -out "$BATS_TEST_TMPDIR/cert.pem" 2>/dev/null
    serve "$PORT" openssl s_server -accept "127.0.0.1:$PORT" -www -quiet \
        -cert "$BATS_TEST_TMPDIR/cert.pem" -key "$BATS_TEST_TMPDIR/key.pem"
}
