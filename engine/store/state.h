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
    uint64_t looked;  /* when it was last looked at, in ms */
    const char *lost; /* why nothing that is deployed now would survive, for people; NULL: all is well */
};

/* Makes the directory if it is missing and takes its lock, for which it waits for 10 s at most while the engine that
 * has it is ending. Ends the process with a message when it cannot. */
void nw_state_take(struct nw_state *state, const char *directory);

/* The path of a file in it. Ends the process with a message when it is too long. */
void nw_state_path(const struct nw_state *state, const char *name, char *path, size_t size);

/*
 * Notice that somebody has deleted or moved the directory, or its lock, registry or store, while the engine runs, and
 * that all are there again: state->lost says so. The engine goes on serving. True when state->lost has changed. The
 * first is for each tick and looks once a second; the second looks at once, for use before something is to be kept.
 */
bool nw_state_tick(struct nw_state *state, struct nw_registry *registry, uint64_t now);
bool nw_state_look(struct nw_state *state, struct nw_registry *registry, uint64_t now);

/* Removes what only a running engine leaves there, and gives up the lock. */
void nw_state_leave(struct nw_state *state);

#endif
