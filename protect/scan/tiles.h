/*
 * Whether code may set the shape of the processor's tiles (AMX), which needs no permission: LDTILECFG, at every byte
 * offset. It is not forbidden; where there is none, the gate need not clear what nobody can set. May say so of code
 * that does not, never the other way round.
 */
#ifndef NW_PROTECT_SCAN_TILES_H
#define NW_PROTECT_SCAN_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool nw_tiles_set_by(const uint8_t *code, size_t size);

/* By an instruction that begins in `before` and ends in `after`, of which the last and the first four bytes are read.
 */
bool nw_tiles_set_at_seam(const uint8_t *before, size_t before_size, const uint8_t *after);

/* By any code in executable memory of the calling process, as nw_self_scan looks through it. Negative errno as there.
 */
int nw_tiles_set_here(bool *set);

#endif
