/* See attack_hoard.h. */
#include "worker/test/attack/driver/attack_hoard.h"
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS        20 /* of the neighbour, beside what the attack has taken */
#define SLOWER        20 /* one round beside an attack may take so many times what all take without */
#define DIRECTORY     "/tmp/nightward-hoard"
#define NEIGHBOUR_MIB 32ull
#define CRASHES       5
#define FILLED_MIB    510

static uint32_t load(const char *name, uint32_t timeout_ms, uint64_t mib)
{
    struct nw_load l = {.name = name,
                        .so = nw_attack_path("hoard"),
                        .slots = 1,
                        .timeout_ms = timeout_ms,
                        .memory = mib << 20,
                        .profile = NW_PROFILE_FILES,
                        .directories = access(DIRECTORY, F_OK) == 0 ? DIRECTORY ":ro" : NULL};
    uint32_t deployment = nw_harness_load(&nw_attack.harness, &l);

    if (!deployment)
        fail_msg("%s was refused: %s", name, nw_attack.harness.message.text);
    return deployment;
}

/* The neighbour's answer to one call while the attack, if it still is under way, may answer, too. */
struct both {
    uint64_t attack; /* 0: it has answered */
    char *attack_seen;
};

static void remember_attack(struct both *both, const struct nw_answer *a)
{
    both->attack = 0;
    nw_attack_describe(both->attack_seen, a);
}

/* False: no answer came. */
static bool ask(uint32_t deployment, const char *input, struct both *both, char seen[NW_ATTACK_SEEN])
{
    uint64_t id = nw_harness_send(&nw_attack.harness, deployment, input, strlen(input));
    struct nw_answer a;
    bool mine = false;

    while (!mine) {
        if (nw_harness_try_receive(&nw_attack.harness, NW_ATTACK_PATIENT, &a) < 0)
            return false;
        mine = a.id == id;
        if (mine)
            nw_attack_describe(seen, &a);
        else if (a.id == both->attack)
            remember_attack(both, &a);
        free(a.data);
    }
    return true;
}

/* Whether it answered as expected; if not, `how` says what it did instead. */
static bool fares(uint32_t neighbour, const char *input, const char *expect, struct both *both,
                  char how[NW_ATTACK_SEEN])
{
    char seen[NW_ATTACK_SEEN] = "silent";

    ask(neighbour, input, both, seen);
    if (strcmp(seen, expect) == 0)
        return true;
    snprintf(how, NW_ATTACK_SEEN, "neighbour %s", seen);
    return false;
}

/* Beside the attack, after it, and across a crash of its own. */
static void describe_neighbour(uint32_t neighbour, struct both *both, char how[NW_ATTACK_SEEN])
{
    bool well = true;

    snprintf(how, NW_ATTACK_SEEN, "neighbour served");
    while (well && both->attack)
        well = fares(neighbour, "serve", "served", both, how);
    for (int i = 0; i < ROUNDS && well; i++)
        well = fares(neighbour, "serve", "served", both, how);
    well = well && fares(neighbour, "crash", "torn down", both, how);
    for (int i = 0; i < ROUNDS && well; i++)
        well = fares(neighbour, "serve", "served", both, how);
}

static unsigned long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000 + (unsigned long)now.tv_nsec / 1000000;
}

/* The neighbour's time limit: short, but on a machine that is busy elsewhere many times as long as what it does takes
 * there beside no attack. */
static uint32_t time_limit(void)
{
    uint32_t calm = load("calm", NW_ATTACK_PATIENT, NEIGHBOUR_MIB);
    struct both none = {.attack = 0};
    char how[NW_ATTACK_SEEN];
    unsigned long begun = now_ms(), limit;

    for (int i = 0; i < ROUNDS; i++)
        fares(calm, "serve", "served", &none, how);
    fares(calm, "crash", "torn down", &none, how);
    fares(calm, "serve", "served", &none, how);
    limit = (now_ms() - begun) * SLOWER;
    return (uint32_t)(limit < NW_ATTACK_HASTY     ? NW_ATTACK_HASTY
                      : limit < NW_ATTACK_PATIENT ? limit
                                                  : NW_ATTACK_PATIENT);
}

/* An attack of hoard.so, with its arguments, and the memory that the function has. */
static void hoard(const char *how, uint64_t mib, char seen[NW_ATTACK_SEEN])
{
    uint32_t neighbour = load("neighbour", time_limit(), NEIGHBOUR_MIB);
    uint32_t attacker = load("hoard", 2 * NW_ATTACK_PATIENT, mib);
    char attack[NW_ATTACK_SEEN] = "no answer", fares[NW_ATTACK_SEEN];
    struct both both = {.attack_seen = attack};

    both.attack = nw_harness_send(&nw_attack.harness, attacker, how, strlen(how));
    describe_neighbour(neighbour, &both, fares);
    snprintf(seen, NW_ATTACK_SEEN, "%.60s, %.60s", attack, fares);
}

void nw_hoard_mappings(char seen[NW_ATTACK_SEEN])
{
    hoard("file-pages", NEIGHBOUR_MIB, seen);
}

void nw_hoard_images(char seen[NW_ATTACK_SEEN])
{
    hoard("code-parts", 64, seen);
}

/* A file that is all hole but for its first two pages: the head of a function, and WRPKRU. */
static void make_large_file(void)
{
    static uint8_t head[2 * 4096];
    int from = open(nw_attack_path("hoard"), O_RDONLY | O_CLOEXEC), to;

    mkdir(DIRECTORY, 0755);
    to = open(DIRECTORY "/elf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(from >= 0 && to >= 0);
    assert_int_equal(read(from, head, 4096), 4096);
    memcpy(head + 4096, "\x0f\x01\xef", 3);
    assert_int_equal(write(to, head, sizeof(head)), sizeof(head));
    assert_int_equal(ftruncate(to, 255l << 20), 0);
    close(from);
    close(to);
}

void nw_hoard_large_file(char seen[NW_ATTACK_SEEN])
{
    make_large_file();
    hoard("code-page", 1024, seen);
    unlink(DIRECTORY "/elf");
    rmdir(DIRECTORY);
}

/* Three threads with 155 MiB each. */
void nw_hoard_move(char seen[NW_ATTACK_SEEN])
{
    hoard("move 0 155 3", 2560, seen);
}

void nw_hoard_unmap(char seen[NW_ATTACK_SEEN])
{
    hoard("unmap 0 155 3", 2560, seen);
}

void nw_hoard_drop(char seen[NW_ATTACK_SEEN])
{
    hoard("drop 0 155 3", 2560, seen);
}

void nw_hoard_replace(char seen[NW_ATTACK_SEEN])
{
    hoard("replace 0 155 3", 2560, seen);
}

/* What the worker has in memory, in MiB, but for what it shares. */
static unsigned long resident(void)
{
    unsigned long size, all = 0, shared = 0;
    char path[64];
    FILE *from;

    snprintf(path, sizeof(path), "/proc/%d/statm", nw_attack.harness.pid);
    from = fopen(path, "re");
    assert_non_null(from);
    assert_int_equal(fscanf(from, "%lu %lu %lu", &size, &all, &shared), 3);
    fclose(from);
    return (all - shared) * 4096 >> 20;
}

/* A machine that is busy elsewhere may let all of it pass before this test looks: it tries again. */
void nw_hoard_crash(char seen[NW_ATTACK_SEEN])
{
    uint32_t neighbour = load("neighbour", NW_ATTACK_PATIENT, NEIGHBOUR_MIB);
    uint32_t attacker = load("hoard", 2 * NW_ATTACK_PATIENT, 1024);
    char attack[NW_ATTACK_SEEN], fares[NW_ATTACK_SEEN];
    struct both none = {.attack = 0};
    unsigned long left = 0;

    for (int i = 0; i < CRASHES && left < FILLED_MIB / 4; i++) {
        ask(attacker, "fill-and-crash 0 aa 3", &none, attack);
        ask(neighbour, "serve", &none, fares);
        left = resident();
    }
    snprintf(seen, NW_ATTACK_SEEN, "%.20s, %.20s %s all was given back", attack, fares,
             left < FILLED_MIB / 4 ? "when" : "before");
}
