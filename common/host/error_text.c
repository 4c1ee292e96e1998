/* The texts of error_text.h. */
#include "common/host/error_text.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

uint64_t nw_kernel_setting(const char *path, uint64_t otherwise)
{
    FILE *from = fopen(path, "re");
    unsigned long n = 0;

    if (!from || fscanf(from, "%lu", &n) != 1)
        n = otherwise;
    if (from)
        fclose(from);
    return n;
}

static uint64_t count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    uint64_t n = 0;

    for (int c; maps && (c = getc(maps)) != EOF;)
        n += c == '\n';
    if (maps)
        fclose(maps);
    return n;
}

static struct rlimit remembered[RLIM_NLIMITS];

void nw_error_text_prepare(void)
{
    for (int i = 0; i < RLIM_NLIMITS; i++)
        getrlimit((__rlimit_resource_t)i, &remembered[i]);
}

/* Adds a limit of this process, if it has one. */
static bool add_limit(char text[NW_ERROR_TEXT], int resource, const char *name, const char *how)
{
    size_t used = strlen(text);
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0)
        limit = remembered[resource];
    if (limit.rlim_cur == RLIM_INFINITY)
        return false;
    snprintf(text + used, NW_ERROR_TEXT - used, ": %s is %llu; raise it with %s", name,
             (unsigned long long)limit.rlim_cur, how);
    return true;
}

static void add_memory(char text[NW_ERROR_TEXT])
{
    size_t used = strlen(text);
    uint64_t most = nw_kernel_setting("/proc/sys/vm/max_map_count", NW_MAPPINGS_DEFAULT), mappings = count_mappings();

    if (mappings >= most - most / 16)
        snprintf(text + used, NW_ERROR_TEXT - used,
                 ": vm.max_map_count is %llu, and this process has %llu mappings; raise it with sysctl",
                 (unsigned long long)most, (unsigned long long)mappings);
    else if (!add_limit(text, RLIMIT_AS, "RLIMIT_AS", "ulimit -v or LimitAS= of the service"))
        snprintf(text + used, NW_ERROR_TEXT - used,
                 ": the machine or a control group has no more (vm.overcommit_memory, MemoryMax= of the service)");
}

const char *nw_error_text(int error, char text[NW_ERROR_TEXT])
{
    snprintf(text, NW_ERROR_TEXT, "%s", strerror(error));
    size_t used = strlen(text);
    if (error == EMFILE)
        add_limit(text, RLIMIT_NOFILE, "RLIMIT_NOFILE", "ulimit -n or LimitNOFILE= of the service");
    else if (error == ENFILE) /* no file can be opened to see how high it is */
        snprintf(text + used, NW_ERROR_TEXT - used, ": raise fs.file-max with sysctl");
    else if (error == EFBIG)
        add_limit(text, RLIMIT_FSIZE, "RLIMIT_FSIZE", "ulimit -f or LimitFSIZE= of the service");
    else if (error == EAGAIN)
        add_limit(text, RLIMIT_NPROC, "RLIMIT_NPROC", "ulimit -u or LimitNPROC= of the service");
    else if (error == ENOMEM)
        add_memory(text);
    return text;
}
