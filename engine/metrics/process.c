/* See process.h. */
#include "engine/metrics/process.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* In ns behind the start of the machine. 0: it cannot be read. */
static uint64_t start_behind_boot(void)
{
    char text[1024] = "";
    uint64_t ticks = 0;
    FILE *file = fopen("/proc/self/stat", "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    const char *at = length ? strrchr(text, ')') : NULL; /* behind the name, in which there may be anything */
    if (file)
        fclose(file);
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at || sscanf(at, "%" SCNu64, &ticks) != 1)
        return 0;
    return ticks * (SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* The same at each look, whatever becomes of the clock. */
static uint64_t started(void)
{
    static uint64_t at;
    uint64_t behind = at ? 0 : start_behind_boot();
    if (behind)
        at = clock_ns(CLOCK_REALTIME) - (clock_ns(CLOCK_BOOTTIME) - behind);
    return at;
}

static void look_at_memory(struct nw__process *process)
{
    uint64_t pages = 0, resident = 0, size = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%" SCNu64 " %" SCNu64, &pages, &resident) != 2)
        pages = resident = 0;
    if (file)
        fclose(file);
    process->virtual = pages * size;
    process->resident = resident * size;
}

/* Their number is the size of the folder (since Linux 6.2); to count thousands of them would keep the loop. */
static uint64_t open_fds(void)
{
    struct stat st;
    return stat("/proc/self/fd", &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

void nw__process_look(struct nw__process *process)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    *process = (struct nw__process){.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
                                    .open_fds = open_fds(),
                                    .max_fds = limit.rlim_cur,
                                    .started_ns = started()};
    look_at_memory(process);
}
