# The social network of functions/social: posts, timelines, short URLs and ids, each function held to the calls that its
# function.json lists.
# timeout: 300

load helper

# All modes run the same functions: one with many domains in a worker, and one where each call leaves its process.
elsewhere() {
    [ "$NW_TEST_MODE" != none ] || echo "seen in modes mpk and process"
}

setup_file() {
    [ -z "$(nw_mode_lacks)$(elsewhere)" ] || return 0
    nw_up
    nw_deploy_samples social/{compose,text,id,urls,mentions,posts,user_timeline,home_timeline,graph}
}

teardown_file() {
    nw_down
}

setup() {
    nw_require_mode
    [ -z "$(elsewhere)" ] || skip "$(elsewhere)"
}

# ask FUNCTION JSON: sets $body; the answer has to be 200.
ask() {
    nw_call "social-$1" "$2"
    [ "$code" = 200 ] || fail "social-$1 $2: $code $body"
}

# value PATH: of the last answer
value() {
    "$JSON" "$1" <<<"$body"
}

# refuses FUNCTION JSON STATUS TEXT
refuses() {
    nw_call "social-$1" "$2"
    [ "$code" = "$3" ] && [ "$(value status)" = "$3" ] && [[ $(value error) == *"$4"* ]] || fail "social-$1 $2: $code $body"
}

@test "a post is kept, shortened, and brought to followers and to who is mentioned" {
    local post short
    ask graph '{"user": "bob", "follow": "ada"}'
    ask compose '{"user": "ada", "text": "hi @eve and @eve, not a@b: http://example.com/a?b=c ok"}'
    post=$(value id) short=$(value urls.0.short)
    [ "$(value 'mentions.#') $(value mentions.0)" = "1 eve" ]
    [ "$(value text)" = "hi @eve and @eve, not a@b: $short ok" ]
    [ "$(value urls.0.url)" = "http://example.com/a?b=c" ]
    ask urls "{\"resolve\": \"$short\"}"
    [ "$(value url)" = "http://example.com/a?b=c" ]
    for user in bob eve; do
        ask home-timeline "{\"user\": \"$user\"}"
        [ "$(value '#') $(value 0.id) $(value 0.user)" = "1 $post ada" ] || fail "$user: $body"
    done
    ask home-timeline '{"user": "ada"}'
    [ "$body" = "[]" ]
    ask user-timeline '{"user": "ada"}'
    [ "$(value 0.id)" = "$post" ]
}

@test "the latest post comes first, and who no longer follows gets none" {
    ask graph '{"user": "ben", "follow": "amy"}'
    ask compose '{"user": "amy", "text": "one"}'
    ask compose '{"user": "amy", "text": "two"}'
    ask graph '{"user": "ben", "unfollow": "amy"}'
    ask compose '{"user": "amy", "text": "three"}'
    ask home-timeline '{"user": "ben"}'
    [ "$(value '#') $(value 0.text) $(value 1.text)" = "2 two one" ] || fail "$body"
    ask user-timeline '{"user": "amy"}'
    [ "$(value '#') $(value 0.text)" = "3 three" ] || fail "$body"
}

@test "nobody gets an id twice" {
    local client clients=()
    for client in 1 2 3 4; do
        curl -sS --max-time 60 -d '{}' -w '\n' "$NW_URL/function/social-id?n=[1-100]" >"$BATS_TEST_TMPDIR/ids.$client" 3>&- &
        clients+=("$!")
    done
    wait "${clients[@]}"
    [ "$(cat "$BATS_TEST_TMPDIR"/ids.* | grep '"id"' | sort -u | wc -l)" = 400 ]
}

@test "what many clients post at once is all there" {
    local client clients=()
    ask graph '{"user": "fan", "follow": "many"}'
    for client in 1 2 3 4 5 6; do
        curl -sS --max-time 60 -o /dev/null -d "{\"user\": \"many\", \"text\": \"post $client\"}" \
            "$NW_URL/function/social-compose" 3>&- &
        clients+=("$!")
    done
    wait "${clients[@]}"
    ask home-timeline '{"user": "fan"}'
    [ "$("$JSON" '#' <<<"$body")" = 6 ]
    for client in 1 2 3 4 5 6; do [[ $body == *"\"post $client\""* ]] || fail "$client: $body"; done
    run -0 "$LOAD" --clients 8 --requests 20 --input '{"text":"%s"}' \
        --expect '{"text":"%s","urls":[],"mentions":[]}' "$(nw_address)" /function/social-text
}

@test "bad input is a clear error of the client" {
    refuses compose 'no JSON' 400 'no JSON object'
    refuses compose '{"user": "ada", "text": "x"} more' 400 'no JSON object'
    refuses compose '{"user": "Ada!", "text": "x"}' 400 'user has to be a name'
    refuses compose '{"user": "ada"}' 400 'text has to be'
    refuses compose "{\"user\": \"ada\", \"text\": \"$(printf %01001d 0)\"}" 400 '1 to 1000 bytes'
    refuses text '[]' 400 'no JSON object'
    refuses mentions '{"text": 1}' 400 'text has to be'
    refuses urls '{"shorten": [""]}' 400 'a URL has to be'
    refuses urls '{"resolve": "https://s.example/none"}' 404 'nobody has shortened'
    refuses posts '{}' 400 'store has to be'
    refuses graph '{"user": "ada"}' 400 'say whom'
    # What a function that is called says is wrong reaches the client.
    refuses compose "{\"user\": \"ada\", \"text\": \"http://$(printf %0500d 0)\"}" 400 'a URL has to be'
}

@test "of the posts the oldest go, and timelines do without them" {
    nw_deploy "$FUNCTIONS/social/posts" --env SOCIAL_KEEP=2
    for text in one two three; do ask compose "{\"user\": \"old\", \"text\": \"$text\"}"; done
    ask user-timeline '{"user": "old"}'
    [ "$(value '#') $(value 0.text) $(value 1.text)" = "2 three two" ] || fail "$body"
    nw_deploy "$FUNCTIONS/social/posts" --reset env
}

@test "a function that calls what its function.json does not list is refused" {
    nw_deploy "$FUNCTIONS/social/text" --calls social-urls
    nw_call social-compose '{"user": "ada", "text": "x"}'
    [ "$code" = 502 ] || fail "$code $body"
    nw_deploy "$FUNCTIONS/social/text" --calls social-urls,social-mentions
    ask compose '{"user": "ada", "text": "x"}'
}

@test "callscan finds the calls that each function.json lists, and no others" {
    local name modules=() listed='' found folder
    [ -x "$NW_BUILD/bin/nightward-callscan" ] || skip "nightward-callscan is not built: LLVM 14 is not installed"
    [ -e "$NW_BUILD/obj/functions/social/compose.bc" ] || skip "clang-14 is not installed"
    [ "$NW_TEST_MODE" = process ] || skip "the same in all modes"
    for folder in "$FUNCTIONS"/social/*/; do
        name=$("$JSON" name <"$folder/function.json")
        modules+=("$name=$NW_BUILD/obj/functions/social/$(basename "$folder").bc")
        listed+=$("$JSON" calls <"$folder/function.json" | grep -o 'social-[a-z-]*' | sed "s/.*/\"$name\" -> \"&\"/")$'\n'
    done
    run -0 "$NIGHTWARD" callscan --dot "${modules[@]}"
    found=$(grep -o '"[^"]*" -> "[^"]*"' <<<"$output")
    diff <(sort <<<"$found") <(grep . <<<"$listed" | sort)
}
