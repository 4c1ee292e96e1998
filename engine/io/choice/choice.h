/* Makes an event loop (io/io.h) with one of the backends. */
#ifndef NW_ENGINE_IO_CHOICE_CHOICE_H
#define NW_ENGINE_IO_CHOICE_CHOICE_H

#include "engine/io/io.h"

/*
 * AUTO: io_uring where it can be had, else libuv. `why` gets a text for people when AUTO falls back to libuv, and when
 * no loop could be made; then NULL is returned. Otherwise it is empty.
 */
struct nw_io *nw_io_new(enum nw_io_kind kind, char *why, size_t size);

#endif
