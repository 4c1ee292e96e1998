/* Clients that take and do not give: bodies that stop short of their end, answers that nobody reads. For tests. */
#ifndef NW_ENGINE_TEST_ATTACK_GREED_H
#define NW_ENGINE_TEST_ATTACK_GREED_H

#include "engine/test/host/host.h"

#define GREED_MOST 16

struct greed {
    int fds[GREED_MOST];
    int n;
};

/* `n` connections whose body for `function` stops one byte before its end. */
void greed_hold_bodies(struct greed *greed, const struct host *host, const char *function, int n, size_t size);

/* `n` connections that ask `function` for an answer and do not read it, beyond what the kernel keeps for them. */
void greed_hold_answers(struct greed *greed, const struct host *host, const char *function, int n);

/* More than an arena of 16 MiB holds of either, by functions "echo" and "big". */
void greed_fill_inputs(struct greed *greed, const struct host *host);
void greed_fill_outputs(struct greed *greed, const struct host *host);

void greed_end(struct greed *greed);

#endif
