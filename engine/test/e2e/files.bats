# Functions of profile files through HTTP: what they find of the directories that they were granted.
# timeout: 300

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
    GRANTED=$BATS_FILE_TMPDIR/granted
    mkdir -p "$GRANTED"
}

# deploy_filer [FLAGS]: worker/test/filer.c with the directory, to be changed.
deploy_filer() {
    nw_deploy filer "$NW_BUILD/test/worker/filer.so" --profile files --directories "$GRANTED:rw" "$@"
}

# Nightcore's functions are started in the directory that holds their config/.
@test "a function finds its configuration by a relative path" {
    mkdir -p "$GRANTED/config"
    echo -n words >"$GRANTED/config/service.yml"
    deploy_filer --cwd "$GRANTED" --env NEEDS=config/service.yml
    nw_expect filer getcwd "$GRANTED"
    nw_expect filer 'read config/service.yml' words
    nw_expect filer 'chdir config' ok
    nw_expect filer getcwd "$GRANTED/config"
    nw_expect filer 'read service.yml' words
    nw_expect filer 'chdir ../..' ok
    nw_expect filer 'realpath granted' "$GRANTED"
    [ "$(nw_admin /v1/functions/filer | "$JSON" cwd)" = "$GRANTED" ]
    run -1 "$NIGHTWARD" deploy --state "$NW_STATE" filer "$NW_BUILD/test/worker/filer.so" --cwd "$GRANTED/none"
    [[ $output == *"make the directory that cwd names"* ]]
    run -1 "$NIGHTWARD" deploy --state "$NW_STATE" filer "$NW_BUILD/test/worker/filer.so" --cwd /elsewhere
    [[ $output == *"cwd: /elsewhere lies in none of the directories that are granted"* ]]
    deploy_filer --reset cwd --reset env
    nw_expect filer getcwd /
}

@test "std::filesystem works" {
    nw_compile filesystem.cc <"$NW_ROOT/engine/test/e2e/filesystem.cc"
    nw_deploy filesystem "$BATS_TEST_TMPDIR/filesystem.so" --profile files --directories "$GRANTED:rw"
    nw_expect filesystem "$GRANTED/work" ok
    nw_expect filesystem "$GRANTED/work" ok
    run -0 ls "$GRANTED/work"
    [ "$output" = $'h\ns\nw\ny' ]
}
