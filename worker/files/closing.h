/*
 * Files whose close may take long: of a large one that has no name any more all is given back, one that was written is
 * stored. A thread of its own closes them, one after the other, so that neither an executor nor a lock waits for that.
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
