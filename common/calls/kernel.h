/*
 * Which system calls the process of a worker may make: the lines of kernel.def, as numbers. The launcher's filter is
 * made of them, for every worker and for as long as it runs, and so is the one that a worker in mode process installs
 * itself, before its function is loaded. What a worker needs only to start, or in one mode, only the launcher adds.
 */
#ifndef NW_COMMON_CALLS_KERNEL_H
#define NW_COMMON_CALLS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As a value: the process id of the worker, which the table cannot know. No process has this one. */
#define NW_KERNEL_OWN_PID UINT32_MAX

/* The call may be made when (argument & mask) == value; argument counts from 0. */
struct nw_kernel_line {
    uint32_t number, profiles;
    uint32_t mask, argument, value;
};

extern const struct nw_kernel_line nw_kernel_lines[];
extern const size_t nw_kernel_n_lines;

/* Whether a worker of this profile, as in the manifest, may make the call of this line. */
bool nw_kernel_is_for(const struct nw_kernel_line *line, uint32_t profile);

/* The value of the line, in the process `pid`. */
uint32_t nw_kernel_value(const struct nw_kernel_line *line, uint32_t pid);

#endif
