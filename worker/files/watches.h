/*
 * What the epolls of a domain watch. The kernel has room for so many watches of one user, so each is counted against
 * the domain's share. A file is no longer watched once the domain has closed its number, also where a duplicate of it
 * is still open; an epoll cannot be duplicated. So every watch has its two numbers, and none is left behind.
 */
#ifndef NW_WORKER_FILES_WATCHES_H
#define NW_WORKER_FILES_WATCHES_H

#include <stdint.h>
#include <sys/epoll.h>

struct nw_files;

/* epoll_ctl of files by their numbers in the domain. 0 or negative errno. */
int nw_watch_change(struct nw_files *files, uint64_t epoll, int command, uint64_t number, struct epoll_event event);

/* The lock of the files is held: before this number of the domain is closed. */
void nw__watch_forget(struct nw_files *files, uint64_t number);

#endif
