/*
 * Snapshots of functions in DIR/snapshots, so that they outlive the engine: what workers sent of them, and where their
 * ranges were. A file is named after the code and all settings that its function was loaded with. It is never relied
 * on: one that cannot be written is not there, and one that is not what was written is removed. Nothing is synced. Not
 * responsible for what is in them, which workers check (worker/snapshot/read.h).
 *
 * Files have no name before they are whole, so a kill leaves nothing behind that is not. Any thread.
 */
#ifndef NW_ENGINE_STORE_SNAPSHOTS_H
#define NW_ENGINE_STORE_SNAPSHOTS_H

#include <stdbool.h>
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

/*
 * To find out at the start which of them nobody has any more, as after a kill: they may hold secrets of settings that
 * are gone. List them before any is kept, say which are used, sweep on any thread.
 */
struct nw_snapshot_files;

/* NULL: memory is out, or the directory cannot be read. */
struct nw_snapshot_files *nw_snapshots_list(struct nw_snapshots *snapshots);
void nw_snapshot_files_free(struct nw_snapshot_files *files);

/* Whether some are of this code. */
bool nw_snapshot_files_have(const struct nw_snapshot_files *files, const char *sha256);
void nw_snapshot_files_use(struct nw_snapshot_files *files, const char *name);

/* Removes those that were not said to be used. Takes long where there are many. */
void nw_snapshot_files_sweep(struct nw_snapshot_files *files);

#endif
