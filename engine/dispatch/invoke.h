/*
 * How somebody has a function invoked. An owner calls begin, then reserve and write as often as it likes, then end;
 * `done` comes once, at any time after begin returned, unless abandon was called.
 */
#ifndef NW_ENGINE_DISPATCH_INVOKE_H
#define NW_ENGINE_DISPATCH_INVOKE_H

#include "common/base/status.h"
#include "engine/serve/invocation.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_DEPTH_MAX 32

/* An invocation of `function`, or NULL with *status and *reason (static text, or the deployment's) when it cannot be.
 * `patience`: ms that whoever asks waits for the answer; 0: as long as the engine lets anybody wait. */
struct nw_invocation *nw_invoke_begin(struct nw_function *function, uint32_t depth, uint64_t patience,
                                      const struct nw_invocation_owner *owner, void *arg, enum nw_status *status,
                                      const char **reason);

/* When somebody who was refused with NW_STATUS_OVERLOADED may come again, in seconds. */
unsigned nw_invoke_retry_after(const struct nw_function *function);

/*
 * Makes room for `total` bytes of input. `grows` says that more may follow. 0; -EAGAIN: owner->room comes when there
 * is; -E2BIG: it will never fit; the invocation is as before; -ECANCELED: the function is gone, `done` was called.
 */
int nw_invoke_reserve(struct nw_invocation *inv, size_t total, bool grows);

/* The input begins with the record of a request (common/http/record.h), of `length` bytes, which what is reserved has
 * to have room for. To be called first. */
void nw_invoke_with_context(struct nw_invocation *inv, size_t length);

/* Adds input, within what was reserved. 0; -EAGAIN: it was added, but nothing more may be until owner->room comes,
 * unless it is complete; -ENOMEM: the owner gives it up. */
int nw_invoke_write(struct nw_invocation *inv, const void *data, size_t length);

/* The input is complete. */
void nw_invoke_end(struct nw_invocation *inv);

/* The owner is gone: no callback comes any more. What no worker has begun is not run; what runs goes on, but its nested
 * calls through the engine end with an error, and so do those below them. It is counted as what `outcome` says. */
void nw_invoke_abandon(struct nw_invocation *inv, enum nw_outcome outcome);

#endif
