/*
 * A program that the host runs once its engine is ready: one that deploys what the user named. When the engine ends
 * before it is done, it is run again once the next one is ready.
 */
#ifndef NW_DEPLOY_HOST_ERRAND_H
#define NW_DEPLOY_HOST_ERRAND_H

#include <stdbool.h>
#include <sys/types.h>

struct nw_errand {
    char *const *argv; /* with its path first; NULL: there is none */
    bool done;
    pid_t pid; /* 0: it does not run */
};

/* The engine is ready. */
void nw__errand_begin(struct nw_errand *errand);

/* A child ended; maybe this one. */
void nw__errand_reap(struct nw_errand *errand);

/* The host stops. */
void nw__errand_stop(struct nw_errand *errand);

#endif
