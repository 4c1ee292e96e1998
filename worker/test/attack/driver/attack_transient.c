/*
 * See attack_transient.h. Thief, victim and watcher are three domains on one executor of one CPU. Each round the
 * watcher flushes, the victim touches its secret, the thief reads ahead, for which it mostly is torn down, and the
 * watcher looks which line came back. In every other try the thief reads a decoy: what is seen in those is noise.
 */
#include "worker/test/attack/driver/attack_transient.h"
#include "common/test/test.h"
#include "worker/call/invoke.h"
#include "worker/domain/domain.h"
#include "worker/test/attack/driver/attack_jumps.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES     256
#define ROUNDS    150
#define DECOY     0    /* the byte that the decoy holds */
#define SECRET    0x5e /* and what is to be read */
#define HOT_TICKS 200
#define SURE      6 /* a line that came back so often more than as noise is no accident ... */
#define REPEATS   3 /* ... if it does so each time: others on the machine may leave traces in one line for a while */

const struct attack_transient attack_transients[] = {
    {"read ahead of the check of the way out", "exit", "nw_gate_exit_keyed", 1, false, false, "fence"},
    {"read ahead of the check of the way out with every register", "whole", "nw_gate_exit_keyed", 2, false, false,
     "fence"},
    {"read ahead of the check behind a system call", "ret", "nw_gate_as_cut_keyed", 1, false, false, "fence"},
    {"read ahead of the check of a signal's frame", "frame", "nw_gate_signal_keyed", 0, true, true, "fence"},
    {"read ahead of the check of a pointer", "message", NULL, 0, true, false, "masks"},
    {"lead a jump of the monitor astray", "taught", NULL, 0, false, true, "guesses"},
};
const size_t attack_transients_count = sizeof attack_transients / sizeof attack_transients[0];

struct cast {
    uint32_t thief, watcher, victim;
    const char *touch; /* what the victim is asked, so that its secret is in a cache */
};

/* Its answer as a number, if it is one. */
static uint64_t must(uint32_t deployment, const char *input)
{
    struct nw_answer a = nw_attack_ask(deployment, input);
    uint64_t number = a.data ? strtoul(a.data, NULL, 16) : 0;

    assert_int_equal(a.status, NW_STATUS_OK);
    free(a.data);
    return number;
}

/* Sends both at once, so that nothing comes between them. */
static void steal_and_look(const struct cast *cast, const char *steal, unsigned hot[LINES])
{
    uint64_t stolen = nw_harness_send(&nw_attack.harness, cast->thief, steal, strlen(steal));
    uint64_t looked = nw_harness_send(&nw_attack.harness, cast->watcher, "look", 4);

    for (int left = 2; left; left--) {
        struct nw_answer a = nw_harness_receive(&nw_attack.harness);
        char *at = a.data;

        if (a.id == looked)
            for (int i = 0; i < LINES; i++)
                hot[i] += strtoul(at, &at, 16) < HOT_TICKS;
        else if (a.id == stolen)
            assert_true(a.status == NW_STATUS_CRASHED || strcmp(a.data, "went on") == 0);
        free(a.data);
    }
}

/* How much more often a line came back than as noise. */
static int excess(const unsigned hot[LINES], const unsigned noise[LINES], int line)
{
    return (int)hot[line] - 2 * (int)noise[line];
}

/* Whether the secret's line came back, and no other as often. */
static bool stands_out(const unsigned hot[LINES], const unsigned noise[LINES])
{
    int secret = excess(hot, noise, SECRET);
    bool best = secret >= SURE;

    for (int i = 0; i < LINES; i++)
        best &= i == SECRET || i == DECOY || excess(hot, noise, i) < secret;
    print_message("the secret's line came back %u times of %u, %u times as noise\n", hot[SECRET], ROUNDS,
                  noise[SECRET]);
    return best;
}

/* What the monitor compares pointers of the thief with, which is the third function of its worker; 0: this user may not
 * know. */
static uint64_t compared(void)
{
    uint64_t record;

    return nw_attack_look_record(2, &record) ? record + offsetof(struct nw_domain, memory.base) : 0;
}

/* What the thief is told besides where the secret is. */
static uint64_t place(const struct attack_transient *attack)
{
    if (!attack->from && attack->held)
        return compared();
    if (!attack->from)
        return nw_attack_jump_offset("nw__syscall");
    return attack->wrpkru ? nw_attack_wrpkru_offset(attack->from, attack->wrpkru) : nw_attack_gate_offset(attack->from);
}

/* The decoy and what is to be read, which goes first in turns. */
static bool is_read(const struct attack_transient *attack, const struct cast *cast, const char input[2][64])
{
    unsigned hot[LINES] = {0}, noise[LINES] = {0};

    for (int i = 0; i < 2 * ROUNDS; i++) {
        bool decoy = (i ^ i >> 1) & 1;

        must(cast->watcher, "flush");
        if (attack->far)
            must(cast->thief, "evict");
        must(cast->victim, cast->touch);
        steal_and_look(cast, input[decoy], decoy ? noise : hot);
    }
    return stands_out(hot, noise);
}

static void run(const struct attack_transient *attack, char seen[NW_ATTACK_SEEN])
{
    struct cast cast = {
        .thief = nw_attack_function("transient", NW_ATTACK_PATIENT),
        .watcher = nw_attack_function("transient", NW_ATTACK_HASTY),
        .victim = nw_attack_victim(),
        .touch = "check",
    };
    uint64_t secret = nw_attack_where(NULL), code = place(attack);
    char input[2][64];
    int times = 0;

    if (attack->held) {
        cast.victim = nw_attack_must_load("holder", "transient", 1, NW_ATTACK_PATIENT);
        snprintf(input[0], sizeof(input[0]), "hold 0 %x", SECRET);
        secret = must(cast.victim, input[0]);
        cast.touch = "touch";
    }
    for (int decoy = 0; decoy < 2; decoy++)
        snprintf(input[decoy], sizeof(input[0]), "%s %lx %lx %x", attack->how, secret, code, (unsigned)decoy);
    while (times < REPEATS && is_read(attack, &cast, input))
        times++;
    snprintf(seen, NW_ATTACK_SEEN, times == REPEATS ? "read %#x" : "read nothing", SECRET);
}

/* On one CPU, as all that the worker starts. */
void nw_attack_transient(const struct attack_transient *attack, char seen[NW_ATTACK_SEEN])
{
    const char *without = nw_attack.without;
    cpu_set_t before, one;

    nw_attack_end(NULL);
    sched_getaffinity(0, sizeof(before), &before);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    nw_attack_begin(without);
    run(attack, seen);
    sched_setaffinity(0, sizeof(before), &before);
    nw_attack_check(attack->name);
    nw_attack_end(NULL);
}
