/* Sets how much of each shared resource all domains of this process have together. Called before any is admitted. */
#ifndef NW_WORKER_ACCOUNT_ROOM_H
#define NW_WORKER_ACCOUNT_ROOM_H

#include <stdint.h>

/* `mappings` and `watches`: what the kernel lets a process have, and a user. */
void nw_rooms_measure(uint64_t mappings, uint64_t watches);

#endif
