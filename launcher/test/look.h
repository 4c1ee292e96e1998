/* What tests of confinement look at: a worker from outside, and what its stand-in may do inside. */
#ifndef NW_LAUNCHER_TEST_LOOK_H
#define NW_LAUNCHER_TEST_LOOK_H

#include "launcher/test/host.h"

/* The text of /proc/PID/NAME, valid until the next one. */
const char *read_proc(pid_t pid, const char *name);

/* The stand-in makes the system call with these arguments: it must give this errno, 0 when it succeeds. */
void assert_call(int socket, long nr, const char *arguments, int expected);

/* The filter refuses the system call with these arguments; `format` says where they stand. */
void refuse_with(int socket, long nr, const char *format, long a, long b, long c);

/* The stand-in opens the path to read: it must give this errno, 0 when it succeeds. */
void assert_open(int socket, const char *path, int expected);

/* Starts a worker in this mode and of this profile, and waits for STARTED. Its socket, and its pid. */
int start_with(struct host *h, uint32_t number, enum nw_mode mode, uint32_t profile, pid_t *pid);

#endif
