/*
 * Snapshots of functions in DIR/snapshots, so that they outlive the engine: what workers sent of them, and where their
 * ranges were. A file is named after the code and all settings that its function was loaded with. It is never relied
 * on: one that cannot be written is not there, and one that is not what was written is removed. Nothing is synced. Not
 * responsible for what is in them, which workers check (worker/snapshot/read.h).
 *
 * Files have no name before they are whole, so a kill leaves nothing behind. Any thread.
 */
#ifndef NW_ENGINE_STORE_SNAPSHOTS_H
#define NW_ENGINE_STORE_SNAPSHOTS_H

#include <stddef.h>
#include <stdint.h>

#define NW_SNAPSHOT_NAME 98                   /* bytes of a name, and NUL */
#define NW_SNAPSHOT_MOST (64ul * 1024 * 1024) /* bytes of one that is kept */

struct nw_snapshots;

/* Opens or makes DIR/snapshots. NULL: none can be kept; why is in the log. */
struct nw_snapshots *nw_snapshots_open(const char *directory);
void nw_snapshots_close(struct nw_snapshots *snapshots);

/* The name for code with this SHA-256, as hex digits, and settings. */
void nw_snapshots_name(const char *sha256, const void *settings, size_t length, char name[NW_SNAPSHOT_NAME]);

/* Keeps a copy of a sealed file, in place of an earlier one of that name. 0, or negative errno: -EFBIG, -ENOSPC, ... */
int nw_snapshots_put(struct nw_snapshots *snapshots, const char *name, int file, uint64_t range);

/* A sealed copy in memory. Negative errno: -ENOENT; -EBADMSG when it was damaged, then it is gone. */
int nw_snapshots_get(struct nw_snapshots *snapshots, const char *name, uint64_t *range);

void nw_snapshots_remove(struct nw_snapshots *snapshots, const char *name);

/* Removes those of code that is not in DIR/store any more, as after a kill. Takes long where there are many. */
void nw_snapshots_sweep(struct nw_snapshots *snapshots);

#endif
