/*
 * A domain's table of files: its own small numbers on one side, the kernel's on the other. Says nothing of what may be
 * opened. Any thread; takes domain.memory_lock.
 */
#ifndef NW_WORKER_FILES_FILES_H
#define NW_WORKER_FILES_FILES_H

#include "worker/domain/domain.h"
#include <stdint.h>

#define NW_FD_FIRST 3 /* 0, 1 and 2 are the standard streams; a domain has nothing behind them unless it says dup2 */

/* The kernel's fd for a call that is about to use it; nw_fd_done afterwards. -EBADF. */
int nw_fd_use(struct nw_domain *domain, uint64_t number);
void nw_fd_done(struct nw_domain *domain, uint64_t number);

/* The same with all that is known of it, in `*file`. */
int nw_fd_use_file(struct nw_domain *domain, uint64_t number, struct nw_domain_fd *file);

/* The entry if the domain may still use it, or NULL. memory_lock held. */
struct nw_domain_fd *nw_fd_entry(struct nw_domain *domain, uint64_t number);

/* A second descriptor for the same open file, which a call uses. 0 or negative errno. */
int nw_fd_duplicate(struct nw_domain *domain, const struct nw_domain_fd *file, struct nw_domain_fd *copy);

/* Takes over a file into the lowest free place at or above `from`: its number; -EMFILE, then its fd is closed. */
long nw_fd_add(struct nw_domain *domain, struct nw_domain_fd file, uint64_t from);

/* Takes over a file as this number, closing what was there. -EBADF or -EBUSY, then its fd is closed. */
long nw_fd_put(struct nw_domain *domain, uint64_t number, struct nw_domain_fd file);

/* 0 or -EBADF. */
long nw_fd_close(struct nw_domain *domain, uint64_t number);

/* Closes everything, for a domain that nothing runs in. */
void nw_fd_close_all(struct nw_domain *domain);

#endif
