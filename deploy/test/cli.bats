# The nightward command without a running host: flags, environment, configuration, help, files, messages.

load helper

setup() {
    cd "$BATS_TEST_TMPDIR"
    export HOME=$BATS_TEST_TMPDIR/home
    unset XDG_STATE_HOME
}

# config LINE...: writes the file that the next command reads.
config() {
    printf '%s\n' "$@" >conf
}

@test "help begins with examples, goes to standard output and ends with 0" {
    local command
    for command in up deploy list describe invoke logs remove status versions rollback traffic alias; do
        run -0 --separate-stderr "$NIGHTWARD" "$command" --help
        [ -z "$stderr" ]
        [ "${lines[1]}" = Examples: ]
        [[ $output == *"nightward $command"* && $output == *--state* ]]
        run -0 "$NIGHTWARD" help "$command"
    done
    run -0 --separate-stderr "$NIGHTWARD" --help
    [[ $output == *Examples:* && $output == *deploy* ]]
}

@test "--version prints the version" {
    run -0 --separate-stderr "$NIGHTWARD" --version
    [[ $output =~ ^nightward\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "the folder in the help of deploy exists" {
    local folder
    folder=$("$NIGHTWARD" deploy --help | sed -n 's/^  nightward deploy \([^ ]*\)$/\1/p')
    [ -n "$folder" ]
    [ -f "$NW_ROOT/$folder/function.json" ] || fail "$folder"
    [ -f "$NW_ROOT/$folder/${folder##*/}.so" ] || fail "$folder"
}

# Each key of a manifest is in the help, in the message about an unknown one, in the manual and in the documentation; and
# no other is.
@test "every list of the keys of function.json is complete" {
    local keys key
    keys=$("$NIGHTWARD" deploy --help | sed -n 's/.*same keys (\(.*\), so).*/\1/p')
    [ -n "$keys" ]
    mkdir folder
    echo '{"colour": 1}' >folder/function.json
    expect 2 "there are $keys and, in function.json, so" -- "$NIGHTWARD" deploy folder --state none
    for key in ${keys//,/}; do
        grep -q "^| \`$key\` |" "$NW_ROOT/docs/functions.md" || fail "$key is not in functions.md"
        sed -n '/keys \*name/,/shared object/p' "$NW_ROOT/docs/man/nightward.1.scd" | grep -qF "*$key*" ||
            fail "$key is not in the manual"
        [ "$key" = name ] || "$NIGHTWARD" deploy --help | grep -q "^  --$key " || fail "there is no flag --$key"
        [ "$key" = name ] || grep -q "^| \`PUT /v1/functions/NAME?.*[?&]$key=" "$NW_ROOT/docs/http.md" || fail "$key is not in the PUT of http.md"
        grep -q "^| \`GET /v1/functions/NAME\`.*\`$key\`" "$NW_ROOT/docs/http.md" || fail "$key is not in the GET of http.md"
        [ "$key" = name ] || grep -q "^\*--$key\*" "$NW_ROOT/docs/man/nightward.1.scd" || fail "--$key is not in the manual"
    done
    [ "$(sed -n '/^| key /,/^$/p' "$NW_ROOT/docs/functions.md" | grep -c '^| `')" = "$(wc -w <<<"$keys")" ]
}

@test "the manual has every command and every flag" {
    local manual=$NW_ROOT/docs/man/nightward.1.scd command flag
    for command in $("$NIGHTWARD" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
        grep -q "^\*$command\*$" "$manual" || fail "$command is not in the manual"
        sed -n '/^# SYNOPSIS/,/^# EXAMPLES/p' "$manual" | grep -q "[ *]$command\*" || fail "$command is not in the synopsis"
        for flag in $("$NIGHTWARD" "$command" --help | sed -n 's/^  \(-., \)\{0,1\}--\([a-z-]*\).*/\2/p'); do
            grep -q "\*--$flag\*" "$manual" || fail "--$flag of $command is not in the manual"
        done
    done
    [ -n "$flag" ]
}

@test "where no host runs, commands look for that of the service" {
    local service
    service=$(sed -n 's/^Environment=NIGHTWARD_STATE=//p' "$NW_ROOT/deploy/nightward.service")
    [ "$service" = "/var/lib/$(sed -n 's/^StateDirectory=//p' "$NW_ROOT/deploy/nightward.service")" ]
    expect 111 "$HOME/.local/state/nightward/admin.sock" -- "$NIGHTWARD" list
    [ "$(id -u)" = 0 ] || skip "only root can stand in for the service"
    [ ! -e "$service" ] || skip "$service is in use"
    run unshare -m sh -c "mount -t tmpfs none /var/lib && mkdir $service && : >$service/admin.sock && exec $NIGHTWARD list"
    [[ $output != *mount:* && $output != *unshare:* ]] || skip "no mount namespace: $output"
    [[ $output == *"$service/admin.sock"* ]] || fail "$output"
    mkdir -p "$HOME/.local/state/nightward"
    : >"$HOME/.local/state/nightward/admin.sock"
    expect 111 "$HOME/.local/state/nightward/admin.sock" -- unshare -m sh -c \
        "mount -t tmpfs none /var/lib && mkdir $service && : >$service/admin.sock && exec $NIGHTWARD list"
}

@test "no command is misuse: help goes to standard error" {
    run -2 --separate-stderr "$NIGHTWARD"
    [ -z "$output" ]
    [[ $stderr == *Examples:* ]]
}

@test "unknown commands and flags are named" {
    expect 2 '"fly"' -- "$NIGHTWARD" fly
    expect 2 '"--fly"' 'nightward up --help' -- "$NIGHTWARD" up --fly
    expect 2 '"-x"' -- "$NIGHTWARD" invoke name -x
    expect 2 '"surplus"' -- "$NIGHTWARD" list surplus
    expect 2 'NAME FILE.so | DIR' -- "$NIGHTWARD" deploy
}

@test "a bad value of a flag is reported with what is allowed" {
    expect 2 --workers '"0"' 'from 1 to' -- "$NIGHTWARD" up --workers 0
    expect 2 --workers '"1x"' -- "$NIGHTWARD" up --workers=1x
    expect 2 --workers -- "$NIGHTWARD" up --workers 99999999999999999999999
    expect 2 --engine-threads '"17"' 'from 1 to 16' -- "$NIGHTWARD" up --engine-threads 17
    expect 2 --snapshot '"on"' 'off or auto' -- "$NIGHTWARD" up --snapshot on
    expect 2 --body-limit '"1Q"' -- "$NIGHTWARD" up --body-limit 1Q
    expect 2 --isolation '"sometimes"' process -- "$NIGHTWARD" up --isolation sometimes
    expect 2 --listen '"nowhere"' 127.0.0.1:8080 -- "$NIGHTWARD" up --listen nowhere
    expect 2 --listen -- "$NIGHTWARD" up --listen 127.0.0.1:65536
    expect 2 --listen -- "$NIGHTWARD" up --listen ::1:80
    expect 2 --state 'must follow' -- "$NIGHTWARD" up --state
    expect 2 --json 'no value' -- "$NIGHTWARD" list --json=yes
}

@test "a damaged func_config.json is refused before anything starts, with file, line and key" {
    local command
    mkdir nightcore
    printf '[\n  {"funcName": "Foo",\n   "funcId": 0}\n]\n' >nightcore/func_config.json
    for command in "up --state state" "up --check-config" "deploy --state state"; do
        expect 2 'nightcore/func_config.json: line 3: funcId: must be a whole number from 1 to 255' -- \
            "$NIGHTWARD" $command --func-config nightcore/func_config.json
    done
    [ ! -e state ]
    printf '[\n\n{"funcName": "Foo", "funcId": 1}]\n' >nightcore/func_config.json
    expect 2 'nightcore/func_config.json: line 3: no one file in nightcore for "Foo"' '--func-dir' -- \
        "$NIGHTWARD" up --func-config nightcore/func_config.json --check-config
    config 'func-config = nightcore/func_config.json' 'func-dir = .'
    expect 2 'line 3: no one file in . for "Foo"' -- "$NIGHTWARD" up --config conf --check-config
    : >libfoo.so
    expect 0 'configuration is valid' -- "$NIGHTWARD" up --config conf --check-config
    expect 2 '--func-working-dir none' -- "$NIGHTWARD" up --config conf --func-working-dir none --check-config
    expect 111 'nightcore/none' -- "$NIGHTWARD" up --func-config nightcore/none --check-config
    expect 2 'are for one function' -- "$NIGHTWARD" deploy --state state --func-config conf --reset all
    expect 2 'NAME FILE.so | DIR | --func-config FILE' -- "$NIGHTWARD" deploy hello --func-config conf
}

@test "a list of CPUs must be well formed and name only existing CPUs" {
    expect 2 --engine-cpus '"two"' 'like 0 or 2-5,7' -- "$NIGHTWARD" up --engine-cpus two --check-config
    expect 2 --worker-cpus '"1-0"' -- "$NIGHTWARD" up --worker-cpus 1-0 --check-config
    expect 2 --worker-cpus '"0,4000"' 'not there' -- "$NIGHTWARD" up --worker-cpus 0,4000 --check-config
    expect 2 --engine-cpus '"1023"' "this machine has $(</sys/devices/system/cpu/online)" -- \
        "$NIGHTWARD" up --engine-cpus 1023 --check-config
    NIGHTWARD_WORKER_CPUS=x expect 2 NIGHTWARD_WORKER_CPUS '"x"' -- "$NIGHTWARD" up --check-config
    config 'engine-cpus = 0'
    expect 0 'engine-cpus = 0 # file' 'worker-cpus = 0,0-0 # flag' -- \
        "$NIGHTWARD" up --config conf --worker-cpus 0,0-0 --print-config
    [[ $output == *'executors = 1 # default'* ]]
}

# Stands in for a cpuset that holds one CPU: as in a real one, the kernel leaves out what is not in it.
@test "the engine takes as many workers as up does" {
    expect 0 -- "$NIGHTWARD" up --workers 1024 --check-config
    expect 2 --workers -- "$NIGHTWARD" up --workers 1025 --check-config
    # It gets as far as to miss the socket of nightward up.
    expect 2 'not a control socket' -- "$NW_BUILD/bin/nightward-engine" --state . --mode none --workers 1024 3<&-
}

@test "CPUs outside the cpuset are reported before anything starts" {
    local cpu
    cpu=$(sed 's/.*[-,]//' /sys/devices/system/cpu/online)
    [ "$cpu" != 0 ] || skip "this machine has one CPU"
    "${CC:-cc}" -shared -fPIC -D_GNU_SOURCE -o cpuset.so -x c - <<'END'
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *asked)
{
    cpu_set_t zero;
    CPU_ZERO(&zero);
    CPU_SET(0, &zero);
    errno = EINVAL;
    (void)size;
    return CPU_ISSET(0, asked) ? (int)syscall(SYS_sched_setaffinity, pid, sizeof zero, &zero) : -1;
}
END
    expect 111 "--worker-cpus $cpu" "CPU $cpu," cpuset -- env LD_PRELOAD="$PWD/cpuset.so" \
        "$NIGHTWARD" up --isolation process --state new --worker-cpus "$cpu"
    expect 111 "--engine-cpus 0,$cpu" "CPU $cpu," -- env LD_PRELOAD="$PWD/cpuset.so" \
        "$NIGHTWARD" up --isolation process --state new --engine-cpus "0,$cpu"
}

@test "a flag wins over the environment, that over the file, that over the default" {
    config 'workers = 3' 'executors = 3' 'isolation = process' 'body-limit = 1M # behind a value'
    export NIGHTWARD_WORKERS=4 NIGHTWARD_EXECUTORS=4
    run -0 "$NIGHTWARD" up --config conf --workers 5 --print-config
    [[ $output == *'workers = 5 # flag'* ]]
    [[ $output == *'executors = 4 # environment'* ]]
    [[ $output == *'isolation = process # file'* ]]
    [[ $output == *'body-limit = 1M # file'* ]]
    [[ $output == *'listen = 127.0.0.1:8080 # default'* ]]
    [[ $output == *"state = $HOME/.local/state/nightward # default"* ]]
}

# workers_most FLAGS: of the default MIN..MAX
workers_most() {
    "$NIGHTWARD" up "$@" --print-config | sed -n 's/^workers *= *1\.\.\([0-9]*\).*/\1/p'
}

@test "as many workers may be added as there is memory, and as there are threads for" {
    local memory threads most
    memory=$(($(getconf _PHYS_PAGES) * $(getconf PAGE_SIZE) / (64 << 20)))
    threads=$(sort -n /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max | head -n 1)
    for executors in 1 256; do
        most=$((threads / 2 / (5 + executors)))
        most=$((most < memory ? most : memory))
        [ "$(workers_most --executors "$executors")" = "$((most < 1024 ? most : 1024))" ]
    done
}

@test "what --print-config prints is a configuration file" {
    "$NIGHTWARD" up --listen 127.0.0.1:0 --listen '[::1]:0' --workers 7 --print-config >first
    [ "$(grep -c ^listen first)" = 2 ]
    "$NIGHTWARD" up --config first --print-config >second
    diff <(sed 's/ #.*//' first) <(sed 's/ #.*//' second)
}

@test "several addresses come from the environment with commas, from a file line by line" {
    NIGHTWARD_LISTEN=127.0.0.1:1,127.0.0.1:2 run -0 "$NIGHTWARD" up --print-config
    [[ $output == *'listen = 127.0.0.1:1 '*'listen = 127.0.0.1:2 '* ]]
    config 'listen = 127.0.0.1:3' 'listen=127.0.0.1:4'
    run -0 "$NIGHTWARD" up --config conf --print-config
    [[ $output == *'listen = 127.0.0.1:3 '*'listen = 127.0.0.1:4 '* ]]
    [[ $output != *8080* ]]
}

@test "errors in a configuration file name file, line and key" {
    config '# a comment' '' 'workers = 1' 'nonsense = 2'
    expect 2 'conf:4: nonsense: unknown key' -- "$NIGHTWARD" up --config conf --check-config
    config 'workers = many'
    expect 2 'conf:1: workers: "many"' -- "$NIGHTWARD" up --config conf --check-config
    config '' 'workers'
    expect 2 'conf:2: "workers" is not' -- "$NIGHTWARD" up --config conf --check-config
    config 'state ='
    expect 2 'conf:1: state' -- "$NIGHTWARD" up --config conf --check-config
    # What only a person at the keyboard may say.
    config 'allow-no-isolation = yes'
    expect 2 'conf:1: allow-no-isolation' -- "$NIGHTWARD" up --config conf --check-config
    expect 111 'missing-file' 'No such file' -- "$NIGHTWARD" up --config missing-file --check-config
}

@test "a bad variable is named" {
    NIGHTWARD_WORKERS=none expect 2 NIGHTWARD_WORKERS '"none"' -- "$NIGHTWARD" up --check-config
}

@test "a good configuration is reported as valid" {
    config 'workers = 2'
    expect 0 valid -- "$NIGHTWARD" up --config conf --check-config
    NIGHTWARD_CONFIG=conf run -0 "$NIGHTWARD" up --print-config
    [[ $output == *'workers = 2 # file'* ]]
}

@test "isolation none needs its own flag" {
    expect 2 --allow-no-isolation -- "$NIGHTWARD" up --isolation none --state state
    [ ! -e state ]
}

@test "a state directory that cannot be made or is too long is named" {
    : >file
    expect 111 "file/state" 'Not a directory' -- "$NIGHTWARD" up --isolation process --state file/state
    long=$(printf 'x%.0s' {1..120})
    expect 2 --state -- "$NIGHTWARD" list --state "/$long"
}

@test "commands without a host name the socket and say what to run, with status 111" {
    printf x >some.so
    expect 111 "$PWD/none/admin.sock" 'nightward up' -- "$NIGHTWARD" list --state "$PWD/none"
    expect 111 "$PWD/none/admin.sock" 'nightward up' -- "$NIGHTWARD" status --state "$PWD/none" --json
    expect 111 "$PWD/none/admin.sock" 'nightward up' -- "$NIGHTWARD" invoke name --state "$PWD/none"
    expect 111 "$PWD/none/admin.sock" 'nightward up' -- "$NIGHTWARD" remove name --state "$PWD/none"
    expect 111 "$PWD/none/admin.sock" 'nightward up' -- "$NIGHTWARD" deploy name some.so --state "$PWD/none"
    NIGHTWARD_STATE=$PWD/other expect 111 "$PWD/other/admin.sock" -- "$NIGHTWARD" list
    expect 111 "$HOME/.local/state/nightward/admin.sock" -- "$NIGHTWARD" list
    XDG_STATE_HOME=$PWD/xdg expect 111 "$PWD/xdg/nightward/admin.sock" -- "$NIGHTWARD" list
}

@test "bad names never become a path" {
    local name
    for name in ../status a/b .hidden '' "$(printf 'x%.0s' {1..64})" $'a\nb'; do
        expect 2 name -- "$NIGHTWARD" invoke "$name" --state none
        expect 2 name -- "$NIGHTWARD" remove "$name" --state none
        expect 2 name -- "$NIGHTWARD" deploy "$name" some.so --state none
    done
    expect 2 name -- "$NIGHTWARD" remove --state none -- -dash
}

@test "text from elsewhere cannot write lines or steer a terminal" {
    expect 2 -- "$NIGHTWARD" invoke $'evil\e[2J\nnightward: fine' --state none
    [ "${#lines[@]}" = 1 ]
    [[ $output != *$'\e'* ]]
}

@test "files are checked before anything is sent" {
    expect 111 gone.so 'No such file' -- "$NIGHTWARD" deploy name gone.so --state none
    mkdir folder.so
    expect 111 folder.so 'not a regular file' -- "$NIGHTWARD" deploy name folder.so --state none
    mkfifo pipe.so
    expect 111 pipe.so 'not a regular file' -- "$NIGHTWARD" deploy name pipe.so --state none
    truncate -s 257M large.so
    expect 111 large.so '256 MiB' -- "$NIGHTWARD" deploy name large.so --state none
    expect 111 gone 'No such file' -- "$NIGHTWARD" invoke name -d @gone --state none
    printf x >alone.so
    expect 2 'nightward deploy NAME alone.so' -- "$NIGHTWARD" deploy alone.so --state none
}

@test "bad limits of a function are named by their flag" {
    printf x >some.so
    expect 2 --slots '"none"' -- "$NIGHTWARD" deploy name some.so --slots none
    expect 2 --timeout '"soon"' -- "$NIGHTWARD" deploy name some.so --timeout soon
    expect 2 --memory '"1"' -- "$NIGHTWARD" deploy name some.so --memory 1
    expect 2 --env '"A-B=..."' -- "$NIGHTWARD" deploy name some.so --env A=1 --env A-B=secret
    [[ $output != *secret* ]]
    expect 2 --env KEY=VALUE -- "$NIGHTWARD" deploy name some.so --env secret
    [[ $output != *secret* ]]
}

@test "a mistake in a folder's function.json is reported with the file" {
    mkdir folder
    expect 111 folder/function.json 'No such file' -- "$NIGHTWARD" deploy folder --state none
    printf '{\n  "name": "f",\n  "slutz": 3\n}\n' >folder/function.json
    expect 2 folder/function.json slutz 3 -- "$NIGHTWARD" deploy folder --state none
    printf '{"slots": 3' >folder/function.json
    expect 2 folder/function.json -- "$NIGHTWARD" deploy folder --state none
}

@test "a folder's shared object is the one that the key so names, else NAME.so, else the only one" {
    mkdir folder
    echo '{}' >folder/function.json
    expect 2 folder 'no .so' -- "$NIGHTWARD" deploy folder --state none
    printf x >folder/one.so
    expect 111 admin.sock -- "$NIGHTWARD" deploy folder --state none
    printf x >folder/two.so
    expect 2 'more than one .so' -- "$NIGHTWARD" deploy folder --state none
    printf x >folder/folder.so
    expect 111 admin.sock -- "$NIGHTWARD" deploy folder --state none
    echo '{"so": "gone.so"}' >folder/function.json
    expect 111 folder/gone.so 'No such file' -- "$NIGHTWARD" deploy folder --state none
}
