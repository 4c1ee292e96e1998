/*
 * popen, in front of libc's: no function can start a program, and libc's says ENOMEM whatever the reason. The call that
 * popen is about is made, so that the monitor refuses it and says so.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((visibility("default"))) FILE *popen(const char *command, const char *mode)
{
    (void)command, (void)mode;
    syscall(SYS_execve, "/bin/sh", NULL, NULL);
    return NULL;
}
