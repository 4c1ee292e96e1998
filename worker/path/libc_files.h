/*
 * Files of the host that libc itself reads late, without being asked for them by name. A function of any profile may
 * read them at any time: they hold nothing secret, and it could have read them while it was loaded. Says nothing of
 * what else is readable.
 */
#ifndef NW_WORKER_PATH_LIBC_FILES_H
#define NW_WORKER_PATH_LIBC_FILES_H

#include <stdbool.h>

/* The unwinder of pthread_exit, pthread_cancel and backtrace; modules of iconv and of name services; locales and their
 * messages; time zones. */
bool nw__libc_reads(const char *path);

#endif
