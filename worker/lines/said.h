/*
 * Lines of functions that wait until the control thread tells the engine of them (wire/report.h). There is so much room
 * for them and no more: nobody waits, and what finds none is for who has said it to count.
 *
 * Has a lock of its own, below all others.
 */
#ifndef NW_WORKER_LINES_SAID_H
#define NW_WORKER_LINES_SAID_H

#include "common/manifest/control.h"
#include <stdbool.h>
#include <stddef.h>

/* False: there is no room. */
bool nw__said_add(const struct nw_said *head, const char *text);

bool nw_said_waits(void);

/* Copies the first lines, as many as there is room for. Returns their bytes, which stay until they are dropped. */
size_t nw_said_first(char *to, size_t room);
void nw_said_drop(size_t bytes);

#endif
