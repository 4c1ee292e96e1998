/* See count.h: the threads of a process. */
#include "bench/count/count.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int nw__each_thread(pid_t pid, int (*each)(pid_t tid, void *argument), void *argument)
{
    char path[64];
    struct dirent *entry;
    int result = 0;
    DIR *folder;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    folder = opendir(path);
    if (!folder)
        return -errno;
    while (!result && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            result = each(atoi(entry->d_name), argument);
    closedir(folder);
    return result;
}
