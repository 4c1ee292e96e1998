/* What the domains of this process have together of what they could take from one another, before any is admitted. */
#ifndef NW_WORKER_ACCOUNT_ROOM_H
#define NW_WORKER_ACCOUNT_ROOM_H

#include <stdint.h>

/* `mappings` and `watches`: what the kernel lets a process have, and a user. */
void nw_rooms_measure(uint64_t mappings, uint64_t watches);

#endif
