# What docs/reference/compatibility.md says: a test for each row of rows.txt, named by its ID, that tries it and notes
# what it found; last, that the table says the same.
# timeout: 300

load helper

setup_file() {
    export RESULTS=$NW_BUILD/compat/results SERVERS=$BATS_FILE_TMPDIR/servers
    mkdir -p "$RESULTS"
    : >"$RESULTS/$NW_TEST_MODE"
    : >"$SERVERS"
    [ -z "$(nw_mode_lacks)" ] || return 0
    nw_up
    nw_deploy_samples hello echo
}

teardown_file() {
    end_servers
    nw_down
}

setup() {
    nw_require_mode
    row
}

@test "sqlite: keeps a table in memory" {
    deploy
    answers memory 'memory 100 rows, sum 5050 ok '
    works
}

# keeps_file JOURNAL FILE
keeps_file() {
    deploy DIR="$BATS_TEST_TMPDIR"
    nw_expect "$ID" "$1" "$1 100 rows, sum 5050 ok "
    nw_expect "$ID" "$1" "$1 200 rows, sum 10100 ok "
    run -0 sqlite3 "$BATS_TEST_TMPDIR/$2" 'select count(*) from t; pragma journal_mode; pragma integrity_check'
    [ "$output" = "200"$'\n'"$1"$'\n'"ok" ] || fail "the host finds: $output"
}

@test "sqlite-disk: keeps a table in a file" {
    keeps_file delete disk.db
    works
}

@test "sqlite-wal: keeps a table in a file with a write-ahead log" {
    keeps_file wal wal.db
    works
}

@test "curl: fetches by name" {
    NAME=$(local_name)
    [ -n "$NAME" ] || skip "/etc/hosts has no name for 127.0.0.1 but localhost"
    deploy PORT="${NW_URL##*:}"
    answers "http://$NAME:${NW_URL##*:}/function/hello" $'Hello, world!\n [0 200]'
    works
}

@test "curl-tls: believes a certificate that it was given" {
    web
    deploy PORT="$PORT" DIR="$BATS_TEST_TMPDIR"
    nw_call "$ID" "https://$NAME:$PORT/"
    [[ $body == *"Protocol  : TLSv1.3"*"[0 200]" ]] || fail "$code: $body"
    works
}

@test "curl-roots: refuses a certificate that nobody vouches for" {
    web
    deploy PORT="$PORT"
    nw_call "$ID" "https://$NAME:$PORT/"
    [ "$body" = ' [60 0 SSL certificate problem: self-signed certificate]' ] || fail "$code: $body"
    works
}

@test "hiredis: talks to Redis" {
    redis
    deploy PORT="$PORT"
    answers "$PORT" 'OK OK 3 nil 1000 '
    works
}

@test "asio: runs timers and tasks" {
    deploy
    answers '' '100 done, the timer rang'
    works
}

@test "asio-tcp: talks to a server" {
    redis
    deploy PORT="$PORT"
    answers "$PORT" '100 done, the timer rang, heard +PONG'
    works
}

@test "libuv: runs timers and tasks" {
    deploy
    answers '' 'timer 1, pool 1, async 1'
    works
}

@test "libuv-tcp: talks to a server" {
    redis
    deploy PORT="$PORT"
    answers "$PORT" 'timer 1, pool 1, async 1, heard +PONG'
    works
}

@test "libevent: waits for timers and pipes" {
    deploy
    answers '' 'epoll: timer 1, readable 1'
    works
}

@test "openblas: multiplies on threads" {
    deploy
    answers '' '0 wrong, parallel 1'
    nw_deploy small "$SO" --timeout 1s
    nw_expect_error small '' 504 function_timeout
    grep -q '"small".*its memory limit of 256 MiB does not allow' "$NW_LOG"
    works
}

@test "libgomp: shares work among threads" {
    deploy
    answers '' '4 threads, sum 5000050000, fibonacci 6765'
    works
}

@test "libomp: shares work among threads" {
    deploy
    nw_expect_error "$ID" '' 502 function_crashed
    grep -q "$ID: OMP: Error #179: Function Can't open SHM2 failed" "$NW_LOG"
    works_not 'it insists on memory of `shm_open`, and there is none'
}

@test "tbb: sums and sorts" {
    deploy
    answers '' 'sum 19999900000, sorted'
    works
}

@test "jemalloc: serves threads" {
    deploy
    answers '' '0 wrong, 0 off, 114688 for 100000, 114688 counted'
    run ! nw_deploy bare "$SO"
    [[ $output == *"cannot allocate memory in static TLS block"* ]] || fail "$output"
    works
}

@test "rust: counts words with threads" {
    deploy
    answers $'a b a\nb c' '{"a": 2, "b": 2, "c": 1}, a panic was caught'
    works
}

@test "go: counts letters with goroutines" {
    deploy
    answers 'one two three' '3 words, 11 letters, recovered: assignment to entry in nil map'
    works
}

python_folder() {
    "$PYTHON" -c 'import os; print(os.path.realpath(os.path.dirname(os.__file__)))'
}

@test "python: runs a program" {
    deploy PYTHON="$(python_folder)"
    answers 'import decimal, hashlib, json, re, threading
found = []
thread = threading.Thread(target=lambda: found.extend(re.findall(r"\d+", "10 and 20")))
thread.start()
thread.join()
try:
    open("/etc/passwd")
except OSError as error:
    found.append(type(error).__name__)
answer = json.dumps([hashlib.sha256(b"abc").hexdigest()[:8], str(decimal.Decimal(1) / 8), 2**70, found])' \
        '["ba7816bf", "0.125", 1180591620717411303424, ["10", "20", "FileNotFoundError"]]'
    works socket # libc asks nscd for the user's name
}

@test "python-asyncio: waits for two at once" {
    redis
    deploy PYTHON="$(python_folder)" PORT="$PORT"
    answers "import asyncio
async def talk():
    reader, writer = await asyncio.open_connection('127.0.0.1', $PORT)
    writer.write(b'PING\\r\\n')
    line = await reader.readline()
    writer.close()
    return line.decode().strip()
async def both():
    return await asyncio.gather(talk(), asyncio.sleep(0.02, 'slept'))
answer = ' '.join(asyncio.run(both()))" '+PONG slept'
    works
}

@test "pcre2: matches" {
    deploy
    answers 'on 2026-11ö' '3 groups, year 2026, interpreted'
    works
}

@test "icu: knows languages" {
    deploy
    answers 'Москва' 'МОСКВА Moskva 1.234.567,5 z-ö 01.01.70, 09:00'
    works
}

@test "libxml2: reads and writes documents" {
    deploy
    answers '<list><item price="1.5"/><item price="2"/>ö</list>' 'sum 3.5, 95 bytes in ISO-8859-1'
    works
}

# --- clients ---------------------------------------------------------------------------------------------------------

@test "client-curl: GET, POST, chunks, 100-continue, one connection for two requests" {
    local big=$BATS_TEST_TMPDIR/big
    head -c 1048576 /dev/urandom >"$big"
    run -0 curl -sS -d Ada "$NW_URL/function/hello" --next -sS -w '%{num_connects}' "$NW_URL/function/hello"
    [ "$output" = $'Hello, Ada!\nHello, world!\n0' ]
    curl -sS -H 'Transfer-Encoding: chunked' --data-binary "@$big" "$NW_URL/function/echo" | cmp - "$big"
    run -0 curl -sS -v -H 'Expect: 100-continue' --data-binary "@$big" -o "$BATS_TEST_TMPDIR/out" "$NW_URL/function/echo"
    [[ $output == *"HTTP/1.1 100 "* ]]
    cmp "$BATS_TEST_TMPDIR/out" "$big"
    works
}

@test "client-wrk: gets nothing but right answers" {
    run -0 wrk -t1 -c4 -d1 "$NW_URL/function/hello"
    [[ $output =~ ([0-9]+)" requests in" && ${BASH_REMATCH[1]} -gt 0 ]] || fail "$output"
    [[ $output != *"Non-2xx"* && $output != *"Socket errors"* ]] || fail "$output"
    works
}

@test "client-ab: gets nothing but right answers" {
    local kept
    echo -n Ada >"$BATS_TEST_TMPDIR/in"
    for kept in '' -k; do
        run -0 ab -q -n 200 -c 4 $kept -p "$BATS_TEST_TMPDIR/in" -T text/plain "$NW_URL/function/hello"
        [[ $output =~ "Complete requests: "+"200" && $output =~ "Failed requests: "+0 ]] || fail "$output"
        [[ $output != *"Non-2xx"* ]] || fail "$output"
        [ -z "$kept" ] || [[ $output =~ "Keep-Alive requests: "+200 ]] || fail "$output"
    done
    works
}

@test "client-h2load: gets nothing but right answers" {
    echo -n Ada >"$BATS_TEST_TMPDIR/in"
    run -0 h2load --h1 -n 400 -c 4 -m 4 -d "$BATS_TEST_TMPDIR/in" "$NW_URL/function/hello"
    [[ $output == *"400 succeeded, 0 failed, 0 errored"* && $output == *"400 2xx, 0 3xx"* ]] || fail "$output"
    works
}

@test "client-http.client: GET, POST and chunks on one connection" {
    run -0 "$PYTHON" - "$(nw_address)" <<'END'
import http.client, sys
kept = http.client.HTTPConnection(sys.argv[1], timeout=10)
kept.connect()
first = kept.sock
for method, path, body, wanted in [
    ("GET", "/function/hello", None, b"Hello, world!\n"),
    ("POST", "/function/hello", "Ada", b"Hello, Ada!\n"),
    ("POST", "/function/echo", (b"x" * n for n in (1, 70000, 3)), b"x" * 70004),
]:
    kept.request(method, path, body)
    response = kept.getresponse()
    print(response.status, response.read() == wanted, kept.sock is first)
END
    [ "$output" = $'200 True True\n200 True True\n200 True True' ] || fail "$output"
    works
}

@test "client-requests: a session with GET, POST and a generator" {
    run -0 "$PYTHON" - "$NW_URL" <<'END'
import requests, sys
with requests.Session() as session:
    url = sys.argv[1] + "/function/"
    print(session.get(url + "hello", timeout=10).text, end="")
    print(session.post(url + "hello", data="Ada", timeout=10).text, end="")
    print(session.post(url + "echo", data=(b"y" * n for n in (5, 90000)), timeout=10).content == b"y" * 90005)
    print(session.get(url + "nothing", timeout=10).json()["error"]["code"])
END
    [ "$output" = $'Hello, world!\nHello, Ada!\nTrue\nfunction_not_found' ] || fail "$output"
    works
}

# behind URL: calls through a proxy, small and large, with a length and in chunks
behind() {
    local big=$BATS_TEST_TMPDIR/big form
    head -c 1048576 /dev/urandom >"$big"
    run -0 curl -sS -d Ada "$1/function/hello" --next -sS "$1/function/hello"
    [ "$output" = $'Hello, Ada!\nHello, world!' ] || fail "$output"
    for form in Expect: 'Transfer-Encoding: chunked'; do
        curl -sS -H "$form" --data-binary "@$big" "$1/function/echo" | cmp - "$big"
    done
    run -0 "$LOAD" --clients 4 --requests 100 --input '%s' --expect $'Hello, %s!\n' "${1#http://}" /function/hello
}

@test "proxy-nginx: passes calls on" {
    PORT=$(free_port)
    cat >"$BATS_TEST_TMPDIR/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $BATS_TEST_TMPDIR/pid;
error_log $BATS_TEST_TMPDIR/error.log;
events {}
http {
    access_log off;
    client_max_body_size 2m;
    client_body_temp_path $BATS_TEST_TMPDIR;
    fastcgi_temp_path $BATS_TEST_TMPDIR;
    scgi_temp_path $BATS_TEST_TMPDIR;
    uwsgi_temp_path $BATS_TEST_TMPDIR;
    proxy_temp_path $BATS_TEST_TMPDIR;
    proxy_max_temp_file_size 0;
    upstream nightward {
        server $(nw_address);
        keepalive 4;
    }
    server {
        listen 127.0.0.1:$PORT;
        location / {
            proxy_pass http://nightward;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }
    }
}
END
    serve "$PORT" nginx -c "$BATS_TEST_TMPDIR/nginx.conf" -e "$BATS_TEST_TMPDIR/error.log"
    behind "http://127.0.0.1:$PORT"
    works
}

@test "proxy-haproxy: passes calls on" {
    PORT=$(free_port)
    cat >"$BATS_TEST_TMPDIR/haproxy.cfg" <<END
defaults
    mode http
    timeout connect 10s
    timeout client 10s
    timeout server 10s
frontend front
    bind 127.0.0.1:$PORT
    default_backend nightward
backend nightward
    option httpchk GET /readyz
    http-reuse always
    server one $(nw_address) check inter 100ms
END
    serve "$PORT" haproxy -db -f "$BATS_TEST_TMPDIR/haproxy.cfg"
    behind "http://127.0.0.1:$PORT"
    works
}

# --- the table -------------------------------------------------------------------------------------------------------

# cells COLUMN... < TABLE
cells() {
    awk -F' [|] ' -v columns="$*" '{ n = split(columns, c, " "); for (i = 1; i <= n; i++) printf "%s | ", $c[i]; print "" }'
}

@test "the table says what was found, of these rows and no others" {
    local doc=$NW_ROOT/docs/reference/compatibility.md now=$BATS_TEST_TMPDIR/now only=$BATS_TEST_TMPDIR/only lies
    mkdir "$only" && cp "$RESULTS/$NW_TEST_MODE" "$only"
    "$HERE/table.sh" "$only" >"$now"
    diff <(cells 1 3 4 6 <"$doc") <(cells 1 3 4 6 <"$now") || fail "write it again: make docs/reference/compatibility.md"
    lies=$(grep -v '| not tried |' "$now" | cells 1 5 | grep -vxFf <(cells 1 5 <"$doc") || true)
    [ -z "$lies" ] || fail "found, but not what the table says: $lies"
    diff <(sed -n 's/^\([^ #]*\) | .*/\1/p' "$HERE/rows.txt") <(sed -n 's/^@test "\([^ ]*\): .*/\1/p' "$HERE/compat.bats")
}
