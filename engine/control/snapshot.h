/*
 * What the main thread tells the others: a complete snapshot of the workers and of the versions that they serve, made
 * anew when something in it changes. What is no longer in it was removed. Not responsible for sending it
 * (threads.h).
 */
#ifndef NW_ENGINE_CONTROL_SNAPSHOT_H
#define NW_ENGINE_CONTROL_SNAPSHOT_H

#include "engine/threads/threads.h"

/* To be passed to nw_threads_init. */
extern const struct nw_threads_events nw__snapshot_events;

#endif
