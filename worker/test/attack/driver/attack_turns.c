/* See attack_turns.h. */
#include "worker/test/attack/driver/attack_turns.h"
#include "common/test/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CROWD 19 /* with the neighbours far more than there are keys */
#define ASKED 100
#define KEYS  13

static uint32_t crowd[CROWD];

static void load_crowd(void)
{
    char name[16];

    for (int i = 0; i < CROWD; i++) {
        snprintf(name, sizeof(name), "crowd%d", i);
        crowd[i] = nw_attack_must_load(name, "turns", 1, NW_ATTACK_PATIENT);
    }
}

/* One answer, as words; where a defence is left out it is not waited for for long. */
static void ask(uint32_t deployment, const char *input, char seen[NW_ATTACK_SEEN])
{
    struct nw_answer a;
    int error = 0;

    if (nw_attack.without)
        error = nw_attack_try(deployment, input, &a);
    else
        a = nw_attack_ask(deployment, input);
    snprintf(seen, NW_ATTACK_SEEN, "no answer");
    if (error)
        return;
    nw_attack_describe(seen, &a);
    free(a.data);
}

/* They all do the same, until one of them is not answered. */
static void crowd_does(const char *what)
{
    char seen[NW_ATTACK_SEEN] = "";

    for (int i = 0; i < CROWD && strcmp(seen, "no answer") != 0; i++)
        ask(crowd[i], what, seen);
}

/* The neighbour is called again and again, and then a function is deployed. */
static void beside(const char *what, char seen[NW_ATTACK_SEEN])
{
    load_crowd();
    crowd_does(what);
    for (int i = 0; i < ASKED; i++) {
        ask(nw_attack.hello, "x", seen);
        if (strncmp(seen, "Hello", 5) != 0)
            return;
    }
    nw_attack_must_load("another", NW_ATTACK_HELLO, 1, NW_ATTACK_PATIENT);
    snprintf(seen, NW_ATTACK_SEEN, "served");
}

static void run_spin(char seen[NW_ATTACK_SEEN])
{
    beside("spin 0", seen);
}

static void run_block(char seen[NW_ATTACK_SEEN])
{
    beside("block 0", seen);
}

/*
 * One function waits in the kernel to read into the neighbour's memory, and every other key belongs to one in which
 * something runs. So the neighbour gets the key that was had longest: the reader's. What is read then, when the reader
 * has another key, comes with the rights of old.
 */
static void run_late_read(char seen[NW_ATTACK_SEEN])
{
    char input[64];

    load_crowd();
    snprintf(input, sizeof(input), "late-read %lx", nw_attack_where(NULL));
    ask(crowd[KEYS - 1], "busy 0 0", seen);
    ask(crowd[0], input, seen);
    for (int i = 1; i < KEYS - 1; i++)
        ask(crowd[i], "block 0", seen); /* the last of them takes the neighbour's key */
    nw_harness_send(&nw_attack.harness, crowd[KEYS - 1], "busy 0 1f4", 10);
    nw_attack_where(NULL);
    free(nw_harness_receive(&nw_attack.harness).data); /* its key is the one for the reader */
    ask(crowd[0], "late-write 0", seen);
}

const struct attack_turn attack_turns[] = {
    {35, "a thread that spins in each of 19 functions", "served", "turns", "no answer*", run_spin},
    {35, "a thread that waits in a read in each of 19 functions", "served", "turns", "no answer*", run_block},
    {29, "a read that goes on when its key is the neighbour's", "EFAULT", "recall", "result 8, secret changed",
     run_late_read},
};

const size_t attack_turns_count = sizeof attack_turns / sizeof attack_turns[0];

void nw_attack_turn(const struct attack_turn *attack, const char *without, char seen[NW_ATTACK_SEEN])
{
    if (!without) {
        nw_attack_end(NULL);
        nw_attack_begin(NULL);
    }
    attack->run(seen);
}
