/* Lists of CPUs, in the form that the kernel uses in /sys. Not responsible for running anything on them. */
#include "common/host/cpus.h"
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define ONLINE "/sys/devices/system/cpu/online"

/* Reads a number: -1 when there is none, CPU_SETSIZE for any that is too large for a set. */
static int number(const char **at)
{
    int n = 0;

    if (!isdigit((unsigned char)**at))
        return -1;
    for (; isdigit((unsigned char)**at); (*at)++) {
        n = n * 10 + (**at - '0');
        n = n < CPU_SETSIZE ? n : CPU_SETSIZE;
    }
    return n;
}

int nw_cpus_parse(const char *text, cpu_set_t *cpus)
{
    bool fits = true;

    CPU_ZERO(cpus);
    for (;;) {
        int first = number(&text);
        int last = first;

        if (first >= 0 && *text == '-') {
            text++;
            last = number(&text);
        }
        if (first < 0 || last < first)
            return -EINVAL;
        fits = fits && last < CPU_SETSIZE;
        for (int cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
            CPU_SET(cpu, cpus);
        if (!*text)
            return fits ? 0 : -ERANGE;
        if (*text++ != ',')
            return -EINVAL;
    }
}

void nw_cpus_format(const cpu_set_t *cpus, char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        int first = cpu;

        if (!CPU_ISSET(cpu, cpus))
            continue;
        while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, cpus))
            cpu++;
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%d", used ? "," : "", first);
        if (used < size && cpu > first)
            used += (size_t)snprintf(text + used, size - used, "-%d", cpu);
    }
}

void nw_cpus_online(cpu_set_t *cpus)
{
    char text[4096];
    FILE *file = fopen(ONLINE, "re");
    bool read = file && fscanf(file, "%4095s", text) == 1;

    if (file)
        fclose(file);
    if (read && nw_cpus_parse(text, cpus) == 0)
        return;
    CPU_ZERO(cpus); /* without /sys: as many as there are, counted from 0 */
    for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN) && cpu < CPU_SETSIZE; cpu++)
        CPU_SET(cpu, cpus);
}

int nw_cpus_missing(const cpu_set_t *wanted, const cpu_set_t *have, cpu_set_t *missing)
{
    cpu_set_t both;

    CPU_AND(&both, wanted, have);
    CPU_XOR(missing, wanted, &both);
    return CPU_COUNT(missing);
}
