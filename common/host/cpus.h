/* Lists of CPUs as people write them, like 0 or 2-5,7, and which of them there are. */
#ifndef NW_COMMON_HOST_CPUS_H
#define NW_COMMON_HOST_CPUS_H

#include <sched.h>
#include <stddef.h>

/* Reads a list. 0; -EINVAL when it is none; -ERANGE when a number is beyond what a set holds. */
int nw_cpus_parse(const char *text, cpu_set_t *cpus);

/* Writes a list, cut at `size`; "" for no CPU. */
void nw_cpus_format(const cpu_set_t *cpus, char *text, size_t size);

/* The CPUs of this machine that are online. */
void nw_cpus_online(cpu_set_t *cpus);

/* The CPUs that are in `wanted` and not in `have`. How many. */
int nw_cpus_missing(const cpu_set_t *wanted, const cpu_set_t *have, cpu_set_t *missing);

#endif
