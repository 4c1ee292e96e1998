/*
 * Files of the host that libc itself reads late: nobody asked for them by name, and no function can know beforehand
 * that it will need them. They are readable at any time, whatever the profile: everybody may read them, and a function
 * could have read them while it was loaded. Says nothing of what is readable besides.
 */
#ifndef NW_WORKER_PATH_LIBC_FILES_H
#define NW_WORKER_PATH_LIBC_FILES_H

#include <stdbool.h>

/* The unwinder of pthread_exit, pthread_cancel and backtrace; modules of iconv and of name services; locales and their
 * messages; time zones. */
bool nw_libc_reads(const char *path);

#endif
