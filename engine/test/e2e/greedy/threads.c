/* Threads that compute for ever, and func workers. */
#include "engine/test/e2e/greedy/greedy.h"
#include "worker/base/ops.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void *spin(void *unused)
{
    volatile int forever = 1;

    while (forever)
        ;
    return unused;
}

const char *greedy_spin(struct attacker *a)
{
    return greedy_start(a, a->arg[0], spin, NULL);
}

static void *wait_for_invocation(void *unused)
{
    char inbox[64];

    attack_gate_call(NW_OP_WAIT, (uint64_t)inbox, sizeof inbox, 0, 0);
    for (;;)
        pause();
    return unused;
}

/* A thread that waits for an invocation is a func worker: who counts it as that, counts it no more as a thread. */
const char *greedy_wait(struct attacker *a)
{
    uint64_t started = 0;
    pthread_t thread;

    for (uint64_t i = 0; i < a->arg[0]; i++)
        if (pthread_create(&thread, NULL, wait_for_invocation, NULL) == 0)
            started++;
        else
            usleep(1000);
    return attack_say(a, "%lu threads", started);
}

const char *greedy_call(struct attacker *a)
{
    const char *output;
    size_t length;
    uint64_t done = 0;

    for (uint64_t i = 0; i < a->arg[0]; i++)
        done += a->invoke(a->context, "callee", "sleep", strlen("sleep"), &output, &length) == 0;
    return attack_say(a, "%lu of %lu calls", done, a->arg[0]);
}
