/* What the domains of this process have together of what they could take from one another, before any is admitted. */
#ifndef NW_WORKER_ROOM_H
#define NW_WORKER_ROOM_H

void nw_rooms_measure(void);

#endif
