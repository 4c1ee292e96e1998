/*
 * Closes files whose close may take long: the kernel gives back all of a large file that has no name any more, and
 * stores one that was written. A thread of its own does it, one file after the other, so that neither an executor nor a
 * lock waits.
 */
#ifndef NW_WORKER_FILES_CLOSING_H
#define NW_WORKER_FILES_CLOSING_H

struct nw_files;

/* Any lock. Closes the kernel's fd, which nobody uses, at once or soon. A domain's descriptor is given back to its
 * share when it is closed; NULL: it is the monitor's own. */
void nw_close(struct nw_files *files, int fd);

/* No lock of the files. Returns when nothing of the domain waits to be closed. Nothing runs in it. */
void nw__closing_finish(struct nw_files *files);

int nw_closing_init(void); /* before any domain is made, and while the process may still start threads at will */

#endif
