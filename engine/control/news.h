/*
 * What the main thread tells the others: the workers and versions that are new, are not there any more, or have changed
 * since it told them last; so it takes as long as there are changes, however much there is. Not responsible for sending
 * it (threads.h).
 */
#ifndef NW_ENGINE_CONTROL_NEWS_H
#define NW_ENGINE_CONTROL_NEWS_H

#include "engine/threads/threads.h"

/* To be passed to nw_threads_init. */
extern const struct nw_threads_events nw__news_events;

#endif
