/* The state directory: one engine at a time may have it. */
#ifndef NW_ENGINE_STORE_STATE_H
#define NW_ENGINE_STORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_registry;

struct nw_state {
    const char *directory;
    int lock;
    uint64_t looked;  /* ms: when it was looked at last */
    const char *lost; /* why nothing that is deployed now would survive, for people; NULL: all is well */
};

/* Makes the directory if it is missing and takes its lock. Ends the process with a message when it cannot. */
void nw_state_take(struct nw_state *state, const char *directory);

/* The path of a file in it. */
void nw_state_path(const struct nw_state *state, const char *name, char *path, size_t size);

/*
 * Notices when somebody deletes or moves the directory, or the lock, registry or store in it, under the running engine,
 * which goes on serving, and when it is there again: `lost`. True when that has changed. The first is for every turn of
 * the clock and looks now and then; the second looks now, before something is to be kept.
 */
bool nw_state_tick(struct nw_state *state, struct nw_registry *registry, uint64_t now);
bool nw_state_look(struct nw_state *state, struct nw_registry *registry, uint64_t now);

/* Removes what only a running engine leaves there, and gives up the lock. */
void nw_state_leave(struct nw_state *state);

#endif
