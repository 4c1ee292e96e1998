# shellcheck shell=bash
# What greedy functions and clients do to a host: once for engine/test/neighbours.bats and for bench/neighbours,
# which source this and say
#   scenario_deploy_as NAME SO [FLAGS]    deploys $GREEDY/SO.so
#   scenario_call NAME INPUT              calls once; whatever becomes of it
#   GREEDY_DIRECTORY, GREEDY_ADDRESS      a directory for the files of functions; HOST:PORT of the gateway
#   GREEDY_MIB                            how much memory those have that have much
# The numbers in inputs are hexadecimal (greedy.h).

GREEDY=$NW_BUILD/test/e2e/greedy
SCENARIOS=(mappings refill images move map-code read crash spin block call wait blocked descriptors load unread unfinished bodies)

# The files that map-code and read want: large, and hardly anything in them.
scenario_files() {
    truncate -s 400M "$GREEDY_DIRECTORY/sparse"
    head -c 4096 "$GREEDY/neighbour.so" >"$GREEDY_DIRECTORY/code"
    truncate -s 255M "$GREEDY_DIRECTORY/code"
}

# greedy NAME [FLAGS]: all have a profile, so that they live in one worker with a neighbour that has it too.
greedy() {
    scenario_deploy_as "$1" greedy --timeout 10s --profile files --directories "$GREEDY_DIRECTORY:ro" \
        --env "DIRECTORY=$GREEDY_DIRECTORY" "${@:2}"
}

# many N COMMAND...: with greedy1, greedy2, ... as its last argument, or where it says NAME.
many() {
    local i
    for ((i = 1; i <= $1; i++)); do "${@:2}" "greedy$i"; done
}

call_greedy() {
    scenario_call "$2" "$1"
}

# scenario_deploy SCENARIO: deploys what it needs.
scenario_deploy() {
    case $1 in
    mappings | refill) greedy greedy ;;
    images) greedy greedy --memory 16M ;;
    move | crash) greedy greedy --memory 4G ;;
    map-code | read) greedy greedy --memory 4G --threads 40 ;;
    spin | block) many 13 greedy ;;
    call)
        scenario_deploy_as callee neighbour --slots 2 --memory 64M --timeout 5s --profile files
        greedy greedy --slots 64 --memory 512M ;;
    wait) greedy greedy --threads 32 ;;
    blocked) many 12 greedy ;;
    descriptors) many 17 greedy ;;
    unread | unfinished | bodies) scenario_deploy_as greedy neighbour --slots 32 --timeout 5s --profile files ;;
    esac
}

# scenario_run SCENARIO: does it. Some go on until they are killed, others are over and have begun something that goes on.
scenario_run() {
    case $1 in
    mappings) scenario_call greedy 'mappings 11170' ;;
    refill) scenario_call greedy 'refill 11170' ;;
    images) scenario_call greedy 'images 400' ;;
    move) scenario_call greedy "move 3 $(printf %x $((GREEDY_MIB / 4)))" ;;
    map-code) scenario_call greedy 'map-code 3' ;;
    read) scenario_call greedy 'read b 12c' ;;
    crash) while :; do scenario_call greedy "crash $(printf %x "$GREEDY_MIB")"; done ;;
    spin) many 13 call_greedy 'spin 1' ;;
    block) many 13 call_greedy 'block 1' ;;
    call)
        exec "$NW_BUILD/test/e2e/load" --tolerate --clients 64 --requests 0 --seconds 600 --input 'call 2' \
            "$GREEDY_ADDRESS" /function/greedy ;;
    wait) scenario_call greedy 'wait 100' ;;
    blocked) many 12 call_greedy 'block 8' ;;
    descriptors) many 17 call_greedy open ;;
    load) many 6 scenario_load ;;
    unread)
        exec "$NW_BUILD/test/e2e/hold" --clients 26 --size 4194304 "$GREEDY_ADDRESS" /function/greedy ;;
    unfinished)
        exec "$NW_BUILD/test/e2e/hold" --clients 4 --size 16777216 --unfinished "$GREEDY_ADDRESS" /function/greedy ;;
    bodies)
        exec "$NW_BUILD/test/e2e/load" --tolerate --clients 60 --requests 0 --seconds 600 --size 1048576 \
            "$GREEDY_ADDRESS" /function/greedy ;;
    esac
}

# A function that never comes up.
scenario_load() {
    scenario_deploy_as "$1" slow --profile files &
}

# slow NAME: one that comes up after two seconds.
slow() {
    scenario_deploy_as "$1" slow --profile files --env SECONDS=2 &
}
