# `make deps` with stand-ins for dpkg-query, apt-get, sudo and id: what is asked for, when, and what is said without them.

setup() {
    bats_require_minimum_version 1.5.0
    DEPS=$BATS_TEST_DIRNAME/../deps.sh
    mkdir "$BATS_TEST_TMPDIR/bin"
    LOG=$BATS_TEST_TMPDIR/log
    export LOG
    : >"$LOG"
    for tool in bash env dirname grep sed comm sort; do
        ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"
    done
    # Everything is installed but curl, and libuv1-dev, of which only the configuration is left.
    stand_in dpkg-query 'shift 3; for p; do case $p in curl) ;;
        libuv1-dev) echo "config-files $p" ;; *) echo "installed $p" ;; esac; done; exit 1'
    stand_in apt-get 'echo "apt-get $*" >>"$LOG"'
    stand_in sudo 'echo sudo >>"$LOG"; exec "$@"'
    stand_in id 'echo 0'
}

stand_in() {
    printf '#!%s\n%s\n' "$(command -v bash)" "$2" >"$BATS_TEST_TMPDIR/bin/$1"
    chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

deps() {
    PATH=$BATS_TEST_TMPDIR/bin "$DEPS"
}

@test "with nothing missing it asks apt for nothing and says nothing" {
    stand_in dpkg-query 'shift 3; for p; do echo "installed $p"; done'
    run -0 deps
    [ -z "$output" ]
    [ ! -s "$LOG" ]
}

@test "root installs exactly what is missing, after an update" {
    run -0 deps
    [[ $output == *"installing curl libuv1-dev"* ]]
    [ "$(grep -c sudo "$LOG")" -eq 0 ]
    [[ $(sed -n 1p "$LOG") == *" update" ]]
    [[ $(sed -n 2p "$LOG") == *" install --no-install-recommends curl libuv1-dev" ]]
}

@test "another user goes through sudo" {
    stand_in id 'echo 1000'
    run -0 deps
    [ "$(grep -c sudo "$LOG")" -eq 2 ]
}

@test "without root and sudo it says what root should run" {
    stand_in id 'echo 1000'
    rm "$BATS_TEST_TMPDIR/bin/sudo"
    run -1 deps
    [[ $output == *"not root and has no sudo"*"apt-get install --no-install-recommends curl libuv1-dev"* ]]
    [ ! -s "$LOG" ]
}

@test "a failed update is no reason to give up, a failed installation is" {
    stand_in apt-get 'echo "apt-get $*" >>"$LOG"; [[ $* != *update ]]'
    run -0 deps
    [[ $output == *"update failed"* ]]
    stand_in apt-get '[[ $* != *install* ]]'
    run -1 deps
    [[ $output == *"could not install: curl libuv1-dev"* ]]
}

@test "a system without dpkg is told which packages are meant" {
    rm "$BATS_TEST_TMPDIR/bin/dpkg-query"
    run -1 deps
    [[ $output == *"no Debian system"*libuv1-dev* ]]
}
