/* See attack_shares.h. */
#include "worker/test/attack/driver/attack_shares.h"
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/test/attack/driver/attack_hoard.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CROWD_MAX   16
#define CALLERS     64
#define BLOCKED     8                 /* reads of one function that block, as many as it may have */
#define ALL_BLOCKED 95                /* ... as many as it may have threads */
#define SPARSE      (off_t)(1l << 30) /* a file that takes long to read */
#define LATE_MS     60                /* for an answer that takes no time, while what it may wait for takes longer */
#define WHOLE       (5l << 20)
#define READ_WHOLE  "5242880 and 5238784 bytes, 0 wrong"
#define ASKED       50 /* times a neighbour is called */

static int patience_ms; /* for an answer */
static char directory[PATH_MAX], grant[PATH_MAX + 8], environment[PATH_MAX + 8];

/* Files for functions: one that is large, and one whose every page is told from the others. */
static void make_files(void)
{
    char path[PATH_MAX + 16], page[4096];
    int file;

    snprintf(path, sizeof(path), "%s/test/worker/attack/data", nw_attack_build());
    mkdir(path, 0755);
    assert_non_null(realpath(path, directory));
    snprintf(environment, sizeof(environment), "DATA=%s", directory);
    snprintf(grant, sizeof(grant), "%s:ro", directory);
    snprintf(path, sizeof(path), "%s/sparse", directory);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(ftruncate(file, SPARSE), 0);
    close(file);
    snprintf(path, sizeof(path), "%s/whole", directory);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    for (long i = 0; i < WHOLE / 4096; i++) {
        memset(page, (int)(i * 31 + 1), sizeof(page));
        assert_int_equal(write(file, page, sizeof(page)), sizeof(page));
    }
    close(file);
}

static uint32_t load_slots(const char *name, uint64_t memory, uint32_t slots)
{
    struct nw_load l = {.name = name,
                        .so = nw_attack_path("greed"),
                        .env = environment,
                        .slots = slots,
                        .timeout_ms = NW_ATTACK_PATIENT,
                        .memory = memory,
                        .threads = ALL_BLOCKED,
                        .profile = NW_PROFILE_FILES,
                        .directories = grant};

    return nw_harness_load(&nw_attack.harness, &l);
}

static uint32_t load(const char *name, uint64_t memory)
{
    return load_slots(name, memory, 2);
}

static uint32_t must_load(const char *name, uint64_t memory)
{
    uint32_t deployment = load(name, memory);

    if (!deployment)
        fail_msg("%s was refused: %s", name, nw_attack.harness.message.text);
    return deployment;
}

/* What a function answers to the attack of this name, with one argument. */
static void ask(uint32_t deployment, const char *what, unsigned argument, char seen[NW_ATTACK_SEEN])
{
    char input[64];
    struct nw_answer a;
    int error;

    snprintf(input, sizeof(input), "%s 0 %x", what, argument);
    nw_harness_send(&nw_attack.harness, deployment, input, strlen(input));
    error = nw_harness_try_receive(&nw_attack.harness, patience_ms, &a);
    snprintf(seen, NW_ATTACK_SEEN, "%s", error == -EPIPE ? "worker ended" : "no answer");
    if (error)
        return;
    nw_attack_describe(seen, &a);
    free(a.data);
}

/* The first answer of many that is another than `usual`, or that. */
static void ask_often(uint32_t deployment, const char *what, const char *usual, char seen[NW_ATTACK_SEEN])
{
    for (int i = 0; i < ASKED; i++) {
        ask(deployment, what, 0, seen);
        if (strcmp(seen, usual) != 0)
            return;
    }
}

/* So many functions do the same. */
static void crowd(unsigned n, const char *what, unsigned argument)
{
    char name[16], seen[NW_ATTACK_SEEN];
    uint32_t greedy[CROWD_MAX];

    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "greed%u", i);
        greedy[i] = must_load(name, 64ul << 20);
    }
    for (unsigned i = 0; i < n; i++) {
        ask(greedy[i], what, argument, seen);
        print_message("greed%u: %s\n", i, seen);
    }
}

static void run_blocked(char seen[NW_ATTACK_SEEN])
{
    uint32_t neighbour = must_load("neighbour", 64ul << 20);

    crowd(12, "block", nw_attack.without ? ALL_BLOCKED : BLOCKED);
    ask_often(neighbour, "read-whole", READ_WHOLE, seen);
}

static void run_files(char seen[NW_ATTACK_SEEN])
{
    uint32_t neighbour = must_load("neighbour", 64ul << 20);

    crowd(10, "fill", 0);
    ask_often(neighbour, "pipe", "read", seen);
    if (strcmp(seen, "read") == 0 && !load("late", 64ul << 20))
        snprintf(seen, NW_ATTACK_SEEN, "refused: %.100s", nw_attack.harness.message.text);
}

static void run_reads(char seen[NW_ATTACK_SEEN])
{
    uint32_t neighbour = must_load("neighbour", 64ul << 20);
    uint32_t greedy = must_load("greedy", 64ul << 20);

    ask(greedy, "read-much", 13, seen);
    print_message("greedy: %s\n", seen);
    if (nw_attack.without)
        patience_ms = LATE_MS;
    ask_often(neighbour, "pipe", "read", seen);
    if (strcmp(seen, "read") == 0)
        ask(neighbour, "read-whole", 0, seen);
}

static void run_turns(char seen[NW_ATTACK_SEEN])
{
    ask(must_load("greedy", 64ul << 20), "turns", 40, seen);
}

/* A callee keeps its memory while 64 callers wait for it, and has it back when they are gone. */
static void run_callers(char seen[NW_ATTACK_SEEN])
{
    uint32_t neighbour = must_load("neighbour", 64ul << 20);
    uint32_t callers = load_slots("callers", 256ul << 20, CALLERS);
    unsigned answers = 0;
    struct nw_answer a;

    assert_int_not_equal(callers, 0);
    for (int i = 0; i < CALLERS; i++)
        nw_harness_send(&nw_attack.harness, callers, "callers 0", 9);
    while (answers < CALLERS && nw_harness_try_receive(&nw_attack.harness, 20000, &a) == 0) {
        answers++;
        free(a.data);
    }
    assert_int_equal(answers, CALLERS);
    ask(neighbour, "map", 4, seen);
    if (strcmp(seen, "mapped") != 0)
        return;
    for (int i = 0; i < 100; i++) {
        ask(neighbour, "sleep", 0, seen); /* while its extra func workers end */
        ask(neighbour, "map", 40, seen);
        if (strcmp(seen, "mapped") == 0)
            return;
    }
}

#define UNFELT "see the move, which takes longest for what it moves"

const struct attack_share attack_shares[] = {
    {33, "twelve functions whose threads all block in reads", READ_WHOLE, "shares", "no answer|timed out", run_blocked,
     0},
    {33, "ten functions that open what they can", "read", "shares", "EMFILE*|refused: *", run_files, 2048},
    {34, "a function that reads 1 GiB in each of 13 threads", READ_WHOLE, "waiting", "no answer|timed out", run_reads,
     0},
    {33, "64 callers of a function that sleeps", "mapped", "shares", "ENOMEM", run_callers, 0},
    {33, "a function with 40 threads that read from a pipe", "40 of 40 read, 0 polls wrong", NULL,
     "it waits for nobody but itself", run_turns, 0},
    {33, "one page of a file, mapped 70000 times", "some pages, neighbour served", "shares", "*neighbour ENOMEM",
     nw_hoard_mappings, 0},
    {33, "200 parts of own code, of each of which one page stays mapped", "ENOMEM, neighbour served", "memory",
     "all parts, neighbour served", nw_hoard_images, 0},
    {34, "a page of a file of 255 MiB as code", "done, neighbour served", NULL,
     "how long it took depended on the machine", nw_hoard_large_file, 0},
    {34, "move 1 GiB", "done, neighbour served", "pieces", "*neighbour timed out", nw_hoard_move, 0},
    {34, "unmap 1 GiB", "done, neighbour served", NULL, UNFELT, nw_hoard_unmap, 0},
    {34, "empty 1 GiB", "done, neighbour served", NULL, UNFELT, nw_hoard_drop, 0},
    {34, "fill half a GiB and crash", "torn down, served before all was given back", "pieces",
     "torn down, served when all was given back", nw_hoard_crash, 0},
    {34, "map over 1 GiB", "done, neighbour served", NULL, UNFELT, nw_hoard_replace, 0},
};
const size_t attack_shares_count = sizeof(attack_shares) / sizeof(attack_shares[0]);

void nw_attack_share(const struct attack_share *attack, const char *without, char seen[NW_ATTACK_SEEN])
{
    struct rlimit was, fewer;

    getrlimit(RLIMIT_NOFILE, &was);
    fewer = was;
    fewer.rlim_cur = attack->files ? attack->files : was.rlim_cur;
    patience_ms = without ? 3000 : 20000;
    make_files();
    nw_attack_end(NULL);
    setrlimit(RLIMIT_NOFILE, &fewer);
    nw_attack_begin(without);
    setrlimit(RLIMIT_NOFILE, &was);
    attack->run(seen);
}
