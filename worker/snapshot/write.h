/*
 * Writes the file of a snapshot: what is mapped in a domain and where it comes from, the contents of what had been
 * written, and how its flows wait. Code is never in it, nor constants of libraries: they come from the same files
 * again.
 *
 * While it is written nothing runs in the domain, and it is not buried; it may be killed, and its pages may get another
 * key. One thread at a time.
 */
#ifndef NW_WORKER_SNAPSHOT_WRITE_H
#define NW_WORKER_SNAPSHOT_WRITE_H

struct nw_domain;

/* While the process may still make files of any size. 0 or negative errno. */
int nw__write_init(void);

/* A sealed file, for whoever asks to close; or -1 and why, for people. */
int nw__write(struct nw_domain *domain, const char **why);

#endif
