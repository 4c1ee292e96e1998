/* The files that a worker can see. */
#ifndef NW_LAUNCHER_VIEW_H
#define NW_LAUNCHER_VIEW_H

#include <stdbool.h>

/*
 * In a process with a mount namespace of its own: from now on its root holds the host's shared libraries and time
 * zones, read-only, a few devices and a /proc of its own processes, with `network` also what names of hosts are looked
 * up in, and nothing else. 0, or negative errno; then the process is of no use any more, since it may see any part of
 * that.
 */
int nw__view_make(bool network);

#endif
