/*
 * The event loop of io.h without a kernel under its connections, for fuzz targets: clients are functions that put bytes
 * in and look at what came out, time passes when told to. Watched descriptors are real ones.
 */
#ifndef NW_ENGINE_FUZZ_IO_FAKE_H
#define NW_ENGINE_FUZZ_IO_FAKE_H

#include "common/base/buffer.h"
#include "engine/io/io.h"

/* What becomes of a server's write. */
enum fake_write { FAKE_WRITE_NOW, FAKE_WRITE_LATER, FAKE_WRITE_FAILS };

/* What nw_io_run does instead of serving. */
void fake_script(void (*script)(void *arg), void *arg);

/* A client of the listener that was made as number `listener`; NULL when it was turned away at once. Valid until
 * fake_disconnect, whatever the server does meanwhile. */
struct fake_client *fake_connect(struct nw_io *io, unsigned listener);
void fake_send(struct fake_client *client, const void *data, size_t length);
void fake_send_end(struct fake_client *client);
void fake_writes(struct fake_client *client, enum fake_write mode);
void fake_disconnect(struct fake_client *client);

/* False once the server has closed it. */
bool fake_is_open(const struct fake_client *client);

/* What the server wrote. */
const struct nw_buffer *fake_received(const struct fake_client *client);

/* One turn of the loop, `ms` later. */
void fake_turn(struct nw_io *io, uint64_t ms);

#endif
