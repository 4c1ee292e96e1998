/*
 * What holds a worker process from outside, layer by layer. Most is set from inside it, just before its program starts.
 */
#ifndef NW_LAUNCHER_CONFINE_H
#define NW_LAUNCHER_CONFINE_H

#include "common/host/mode.h"
#include <stdint.h>
#include <sys/types.h>

/* X(NAME, what it is called, why a machine may lack it) */
#define NW_LAYERS(X)                                                                                   \
    X(CAPABILITIES, "no capabilities", "they cannot be dropped here")                                  \
    X(USER, "own user", "nightward is not root, or lacks CAP_SETUID, CAP_SETGID or CAP_KILL")          \
    X(LIMITS, "resource limits", "they cannot be lowered here")                                        \
    X(SECCOMP, "seccomp", "the kernel refuses the filter")                                             \
    X(NETWORK, "no network", "the kernel or a container refuses network namespaces")                   \
    X(FILES, "few files", "the kernel or a container refuses mount namespaces, or mounts within them") \
    X(PROCESSES, "own processes", "the kernel or a container refuses PID namespaces")                  \
    X(IPC, "own IPC", "the kernel or a container refuses IPC namespaces")                              \
    X(HOST_NAME, "own host name", "the kernel or a container refuses UTS namespaces")

enum nw_layer {
#define X(layer, name, obstacle) NW_LAYER_##layer,
    NW_LAYERS(X)
#undef X
        NW_LAYERS_COUNT
};

struct nw_confinement {
    enum nw_mode mode;
    uint64_t exec_cookie; /* the one execveat that the filter lets through carries it; see common/host/spawn.h */
    uint32_t profile;     /* enum nw_profile of its functions */
    int namespaces;       /* CLONE_NEW* flags that the process was started with; see nw__namespaces_usable */
    uid_t starter;        /* who we are outside a user namespace, and the group */
    gid_t starter_group;
    uid_t user; /* to become, and the group of the same number; 0: stay who we are */
};

/*
 * Confines the calling process, which must have one thread and be about to execute the worker. A mask of
 * (1 << enum nw_layer) that are missing, or negative errno where going on would not be safe: without no_new_privs in
 * any mode, and without seccomp in mode process, where the process is all that holds a function. `arg` is a struct
 * nw_confinement.
 */
int nw__confine(const void *arg);

/* The name of a layer, and why a machine may lack it, as texts for people. */
const char *nw__layer_name(enum nw_layer layer);
const char *nw__layer_obstacle(enum nw_layer layer);

#endif
