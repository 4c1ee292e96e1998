/* What becomes of versions when something happens in a seat, or its worker says something of them. */
#ifndef NW_ENGINE_VERSIONS_SEAT_EVENTS_H
#define NW_ENGINE_VERSIONS_SEAT_EVENTS_H

#include <stdint.h>

struct nw_seat_events;
struct nw_workers;

/* To be passed to nw_workers_init. */
extern const struct nw_seat_events nw_version_seat_events;

/* Another thread of the engine says that the worker of this number, which is lost, had begun an invocation of a
 * version, the most suspect one. */
void nw_version_blamed(struct nw_workers *all, uint32_t version, uint32_t worker);

#endif
