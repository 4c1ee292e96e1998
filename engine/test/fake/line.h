/* The channels of a fake worker, and what it sends by them, whether it obeys the protocol or not. */
#ifndef NW_ENGINE_TEST_FAKE_LINE_H
#define NW_ENGINE_TEST_FAKE_LINE_H

#include "common/base/status.h"
#include "common/shm/channel.h"
#include <stdbool.h>
#include <stddef.h>

#define CONTROL_FD   3
#define OWN_DOORBELL 5

extern struct nw_channel fake_channels[NW_CHANNELS_MAX]; /* calls go by the first, whose doorbell serves all */
extern unsigned fake_n_channels;
extern struct nw_channel *fake_line; /* by which came what is looked at */

void fake_send(const struct nw_desc *desc);

/* Answers an INVOKE with `length` bytes: those of `data`, or any if that is NULL. False when there is no room. */
bool fake_complete(const struct nw_desc *invoke, enum nw_status status, const void *data, size_t length);

#endif
