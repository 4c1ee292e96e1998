/*
 * What the threads beside the main one must know: a complete snapshot of the workers and of the versions that they
 * serve, made each time that it changes. What is absent from it was removed. Not responsible for sending it
 * (threads.h).
 */
#ifndef NW_ENGINE_CONTROL_SNAPSHOT_H
#define NW_ENGINE_CONTROL_SNAPSHOT_H

#include "engine/threads/threads.h"

/* For nw_threads_start. */
extern const struct nw_threads_events nw__snapshot_events;

#endif
