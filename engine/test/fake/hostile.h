/* The ways in which a fake worker breaks the protocol. */
#ifndef NW_ENGINE_TEST_FAKE_HOSTILE_H
#define NW_ENGINE_TEST_FAKE_HOSTILE_H

#include "common/shm/channel.h"
#include <stdbool.h>

/* It named a block that it does not have. An engine that takes it for one gives it back. */
extern bool fake_lied;

/* Breaks it in the way that `kind` names, as the answer to an INVOKE. */
void fake_be_hostile(const char *kind, const struct nw_desc *desc);

#endif
