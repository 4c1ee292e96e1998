/*
 * Starting a program with exactly the file descriptors, environment and limits that its starter decided. Not
 * responsible for watching it afterwards.
 */
#ifndef NW_COMMON_HOST_SPAWN_H
#define NW_COMMON_HOST_SPAWN_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct nw_spawn {
    const char *path;
    char *const *argv;
    char *const *envp;
    const int *fds; /* appear in the child as 3, 4, ... in this order; the caller keeps its own */
    int n_fds;
    const cpu_set_t *cpus; /* where it and what it starts runs; NULL: as its starter */
    uint32_t slice_us;     /* how soon the kernel lets it, and what it starts, run; 0: as its starter; see spawn.c */
    int death_signal;      /* what the kernel sends the child when the thread that started it ends */
    int namespaces;        /* CLONE_NEW* flags: what the child has for itself */

    /*
     * Runs in the child, last before the program starts; NULL for nothing. Negative errno gives up (it has told
     * standard error why); otherwise a bit mask of what could not be applied, which nw_spawn hands to the parent. One
     * that changes the user must set the death signal again.
     */
    int (*confine)(const void *arg);
    const void *confine_arg;

    /* Passed to execveat in its unused sixth register, so that a system call filter loaded by `confine` can tell this
     * one execve from every later one. */
    uint64_t exec_cookie;
};

/*
 * Starts the program in a session of its own, with standard input from /dev/null, standard output going to standard
 * error, default signal actions and nothing blocked. Returns once the program runs or could not be started. The pid,
 * or negative errno with the step that failed in *step (static text). *shortfalls is what `confine` returned. The
 * caller must have one thread only.
 */
pid_t nw_spawn(const struct nw_spawn *spec, unsigned *shortfalls, const char **step);

/* Closes the calling process to other processes of its user, such as a worker: none can trace it, or open its memory or
 * descriptors in /proc. Ends the process when it cannot. A program that it starts is open again. */
void nw_process_close(void);

/* The path of another program of Nightward: beside the running one, else in ../libexec/nightward. 0 or negative errno.
 */
int nw_program_path(const char *name, char *path, size_t size);

#endif
