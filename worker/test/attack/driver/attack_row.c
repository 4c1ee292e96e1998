/* See attack_row.h. */
#include "worker/test/attack/driver/attack_row.h"
#include "common/test/test.h"
#include "protect/gate/state.h"
#include "worker/test/attack/attack.h"
#include "worker/test/attack/driver/attack_jumps.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 16384

static bool is_hidden(uint64_t argument)
{
    return argument == ATTACK_ALTERNATE || argument == ATTACK_STACK || argument == ATTACK_SHARED ||
           (argument >= ATTACK_RECORD(0) && argument < ATTACK_RECORD(ATTACK_RECORDS));
}

static uint64_t argument(uint64_t value, uint64_t target)
{
    uint64_t found;

    if (is_hidden(value))
        return nw_attack_look(value, &found) ? found : 0;
    switch (value) {
    case ATTACK_TARGET:
        return target;
    case ATTACK_PID:
        return (uint64_t)nw_attack.harness.pid;
    case ATTACK_HANDLER:
        return nw_attack_gate_offset("nw_gate_signal_keyed");
    case ATTACK_RESTORER:
        return nw_attack_gate_offset("nw_gate_restorer");
    case ATTACK_INSIDE:
        return nw_attack_gate_offset("nw_gate_inside_keyed");
    case ATTACK_XRSTOR:
        return nw_attack_xrstor_offset();
    default:
        return value;
    }
}

void nw_attack_input(char *input, size_t size, const struct attack_row *row)
{
    uint64_t target = nw_attack_where(row->aim);
    size_t n = (size_t)snprintf(input, size, "%s %lx", row->how, target);

    for (size_t i = 0; i < 7; i++)
        n += (size_t)snprintf(input + n, size - n, " %lx", argument(row->args[i], target));
}

uint32_t nw_attacker_of(const struct attack_row *row)
{
    return nw_attack_function(row->so, strstr(row->expect, "timed out") ? NW_ATTACK_HASTY : NW_ATTACK_PATIENT);
}

void nw_attack_and_serve(const struct attack_row *row, char seen[NW_ATTACK_SEEN])
{
    uint32_t attacker = nw_attacker_of(row);
    uint64_t id;
    char input[256];
    bool answered = false, asked = false;

    nw_attack_input(input, sizeof(input), row);
    id = nw_harness_send(&nw_attack.harness, attacker, input, strlen(input));
    while (!answered || asked) {
        struct nw_answer a;

        if (!asked)
            nw_harness_send(&nw_attack.harness, nw_attack.hello, "x", 1);
        asked = true;
        a = nw_harness_receive(&nw_attack.harness);
        if (a.id == id) {
            answered = true;
            nw_attack_describe(seen, &a);
        } else {
            asked = false;
            assert_int_equal(a.status, NW_STATUS_OK);
        }
        free(a.data);
    }
}

void nw_attack_add_written(char seen[NW_ATTACK_SEEN])
{
    const struct nw_channel *channel = &nw_attack.harness.channel;
    const uint8_t *end = (const uint8_t *)channel->map + channel->map_size - ATTACK_UNUSED;
    const uint8_t *at = end - FRAME_MAX;

    while (at < end && *at == 0)
        at++;
    if (at < end)
        snprintf(seen + strlen(seen), NW_ATTACK_SEEN - strlen(seen), ", a frame of %td bytes written", end - at);
}

void nw_attack_deploy(const struct attack_row *row, char seen[NW_ATTACK_SEEN])
{
    uint32_t victim = nw_attack_load("victim", row->so, 1, NW_ATTACK_PATIENT);
    struct nw_answer a;
    char input[64];

    snprintf(seen, NW_ATTACK_SEEN, victim ? "deployed" : "refused");
    snprintf(input, sizeof(input), "forbidden %lx", nw_attack_where(row->aim));
    if (!victim)
        print_message("%s\n", nw_attack.harness.message.text);
    else if (nw_attack_try(victim, input, &a) < 0)
        snprintf(seen, NW_ATTACK_SEEN, "deployed, no answer");
    else
        nw_attack_describe(seen, &a);
}

const char *nw_attack_obstacle(const struct attack_row *row)
{
    uint64_t found;

    if (row->keys && nw_attack.mode != NW_MODE_MPK)
        return "says something only where there are keys";
    if (strcmp(row->so, "races") == 0 && nw_attack.mode == NW_MODE_PROCESS)
        return "all functions of a worker in mode process have one profile";
    if (row->how && strcmp(row->how, "tiles") == 0 && !(nw_state_here() & NW_STATE_TILES))
        return "this CPU has no tiles";
    for (size_t i = 0; i < 7; i++)
        if (is_hidden(row->args[i]) && !nw_attack_look(row->args[i], &found))
            return "only root can find where this should point";
    return NULL;
}
