# What lint.sh finds, and that it passes what is right.

setup() {
    bats_require_minimum_version 1.5.0
    { command -v clang-format-14 && command -v clang-tidy-14; } >/dev/null || skip "clang-format-14 and clang-tidy-14 are not installed"
    local root=$BATS_TEST_DIRNAME/../..
    cd "$BATS_TEST_TMPDIR"
    mkdir -p common/test
    cp "$root/common/test/lint.sh" common/test
    cp "$root/.clang-format" "$root/.clang-tidy" .
    git init -q .
}

# source_file NAME: a file of the tree with the text of standard input
source_file() {
    cat >"$1"
    git add "$1"
}

@test "a file in the right form without mistakes passes" {
    source_file good.c <<<$'int twice(int a);\n\nint twice(int a)\n{\n    return 2 * a;\n}'
    run -0 common/test/lint.sh -std=gnu11
    [ -z "$output" ]
}

@test "a file that clang-format would change fails" {
    source_file wide.h <<<'int twice( int a );'
    run -1 common/test/lint.sh -std=gnu11
    [[ $output == *"wide.h:1:"*"clang-format"* ]]
}

@test "a mistake that clang-tidy finds fails" {
    source_file same.c <<<$'int differ(int a);\n\nint differ(int a)\n{\n    return a + 1 == a + 1;\n}'
    run -1 common/test/lint.sh -std=gnu11
    [[ $output == *"same.c:5:"*"misc-redundant-expression"* ]]
}
