/* What becomes of versions when something happens in a seat, or its worker says something of them. */
#ifndef NW_ENGINE_VERSIONS_SEAT_EVENTS_H
#define NW_ENGINE_VERSIONS_SEAT_EVENTS_H

struct nw_seat_events;

/* To be passed to nw_workers_init. */
extern const struct nw_seat_events nw_version_seat_events;

#endif
