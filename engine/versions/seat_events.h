/* What becomes of versions when something happens in a seat, or its worker says something of them. */
#ifndef NW_ENGINE_VERSIONS_SEAT_EVENTS_H
#define NW_ENGINE_VERSIONS_SEAT_EVENTS_H

#include <stdint.h>

struct nw_seat_events;
struct nw_suspect;
struct nw_workers;

/* To be passed to nw_workers_init. */
extern const struct nw_seat_events nw_version_seat_events;

/* Another thread of the engine has lost the worker of this number, which had begun invocations of a version for it:
 * that counts when the loss is judged. */
void nw_version_suspected(struct nw_workers *all, uint32_t version, uint32_t worker, const struct nw_suspect *suspect);

#endif
