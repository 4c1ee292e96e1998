/*
 * The registry as a file, DIR/registry: a journal to which records are appended, and which is written anew when most of
 * it no longer counts. DIR/registry.backup gets the same records a moment later, and nobody waits until the disk has
 * those. When a start finds the journal missing, empty or damaged, it sets aside what it found, puts together the whole
 * records of both files by their numbers, and says so in `notice`. Not responsible for what records mean (registry.c),
 * nor for which of the two files counts (recover.h).
 *
 * One thread at a time appends, copies, takes back or writes anew; another may sync meanwhile. See the locks in
 * registry.c. Any thread may look whether the file is there.
 */
#ifndef NW_ENGINE_STORE_JOURNAL_JOURNAL_H
#define NW_ENGINE_STORE_JOURNAL_JOURNAL_H

#include "common/base/buffer.h"
#include "engine/store/journal/record.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NW_JOURNAL_NAME      "registry"
#define NW_JOURNAL_COPY      "registry.backup"
#define NW_JOURNAL_TEMPORARY "registry.new"

struct nw_journal {
    int directory, fd, copy; /* -1: not open */
    char path[4096];
    uint64_t length; /* bytes of records; a file of another length was changed by somebody else */
    uint64_t synced; /* how many of these bytes are known to be on disk */
    uint64_t copied; /* how many of them are in the copy; 0: it is to be made anew */
    uint64_t number; /* of the last record */
    bool broken;     /* what is on disk is unknown, or numbers are lacking: to be written anew before appending */
    bool recovered;  /* it was put together from two files when it was opened: records may be missing */
    pthread_mutex_t naming; /* held while another file gets the name; never during a sync */
    dev_t device;           /* of the file that we gave the name; under `naming` */
    ino_t inode;
    struct nw_buffer image; /* what counts instead of the file, until that is written anew; empty otherwise */
    char notice[768];       /* what was wrong when it was opened, for people; empty: nothing */
};

/* Where a record is. */
struct nw_journal_place {
    uint64_t at;
    uint32_t length;
};

typedef void nw_journal_each(void *arg, const struct nw_record *record, struct nw_journal_place place);

/*
 * Opens the journal and calls back for each record, oldest first. `has_code`: the store is not empty, so that an empty
 * registry needs an explanation. 0; 1 when it must be written anew at once; or -EIO with `why`.
 */
int nw_journal_open(struct nw_journal *journal, const char *directory, bool has_code, nw_journal_each *each, void *arg,
                    char *why, size_t why_size);
void nw_journal_close(struct nw_journal *journal);

/* Adds a record to a buffer of those to be appended, and gives it the next number. 0, -ENOMEM or -E2BIG. */
int nw_journal_add(struct nw_journal *journal, struct nw_buffer *to, struct nw_record record);

/* Appends records. They outlive a kill of the process at once, and a failure of the machine once they are synced. 0, or
 * -EIO with `why`: then none of them counts, and the journal is `broken`. */
int nw_journal_append(struct nw_journal *journal, const struct nw_buffer *records, char *why, size_t why_size);

/* The first makes the first `length` bytes durable: 0, or -EIO with `why`. The second cuts the journal to `length`
 * bytes after a failure, and leaves it `broken`. */
int nw_journal_sync(struct nw_journal *journal, uint64_t length, char *why, size_t why_size);
void nw_journal_take_back(struct nw_journal *journal, uint64_t length);

/* Brings the copy up to what is synced, and no further: a record that the machine may lose from the journal must not be
 * in the copy. A failure is only logged, since the journal itself is durable. */
void nw_journal_keep_copy(struct nw_journal *journal);

/* Reads a record into `bytes`; `record` points there. 0 or negative errno. */
int nw_journal_read(const struct nw_journal *journal, struct nw_journal_place place, struct nw_buffer *bytes,
                    struct nw_record *record);

/* Writes the journal anew, durably, with the records that are kept. Nothing is appended between begin and end. The new
 * places of kept records hold once the end has returned 0; if only the sync of the directory failed then, the journal
 * is `broken`. -EIO with `why`: the old journal stays in use. */
struct nw_journal_rewrite {
    struct nw_journal *journal;
    int fd;
    int error;
    uint64_t length, number;
    struct nw_buffer out;
};

void nw_journal_rewrite_begin(struct nw_journal_rewrite *rewrite, struct nw_journal *journal);
void nw_journal_rewrite_keep(struct nw_journal_rewrite *rewrite, struct nw_journal_place from,
                             struct nw_journal_place *to);
void nw_journal_rewrite_add(struct nw_journal_rewrite *rewrite, struct nw_record record); /* a new one */
int nw_journal_rewrite_end(struct nw_journal_rewrite *rewrite, char *why, size_t why_size);

/* Whether the file is still there, under the same path. */
bool nw_journal_is_there(struct nw_journal *journal);

#endif
