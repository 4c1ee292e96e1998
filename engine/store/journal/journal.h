/*
 * The registry as a file, DIR/registry: a journal to which records are appended, and which is written anew when most of
 * it does not count any more. DIR/registry.backup gets the same records, each a moment later and not yet durably. When
 * a start finds the journal missing, empty or damaged, what was found is set aside, what is whole in either file is
 * put together by the records' numbers, and `notice` says so. Not responsible for what records mean (registry.c), nor
 * for what of two files is used (recover.h).
 *
 * One thread at a time appends, syncs or writes anew; see registry.c. Any may look whether the file is there.
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
    uint64_t length;        /* bytes of records; a file that is longer was changed by somebody else */
    uint64_t synced;        /* so many of them are known to be on disk */
    uint64_t copied;        /* so many of them are in the copy; 0: it is to be made anew */
    uint64_t number;        /* of the last record */
    bool broken;            /* what the disk has is not known: it is to be written anew before anything is appended */
    bool recovered;         /* when opened, it was put together: something may be missing */
    pthread_mutex_t naming; /* held while another file gets the name; never while the disk is waited for */
    dev_t device;           /* of the file that has the name; under `naming` */
    ino_t inode;
    struct nw_buffer image; /* until it is written anew: what counts, where the file is not what counts */
    char notice[768];       /* what happened when it was opened, for people; empty: nothing */
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

/* Adds a record to a buffer of those that are appended next, and counts it. 0, or -ENOMEM or -E2BIG. */
int nw_journal_add(struct nw_journal *journal, struct nw_buffer *to, struct nw_record record);

/* Appends records. A kill of the process does not undo it, a failure of the machine may, until it is synced. 0, or -EIO
 * with `why`; then nothing changed. */
int nw_journal_append(struct nw_journal *journal, const struct nw_buffer *records, char *why, size_t why_size);

/* Makes durable the first `length` bytes: 0, or -EIO with `why`. The second takes back what was appended since it was
 * `length` long, after a failure. */
int nw_journal_sync(struct nw_journal *journal, uint64_t length, char *why, size_t why_size);
void nw_journal_take_back(struct nw_journal *journal, uint64_t length);

/* Brings the copy up to what is synced: it must never have a record that the journal may lack after a failure of the
 * machine. A failure is only logged: the journal itself is durable. */
void nw_journal_keep_copy(struct nw_journal *journal);

/* The bytes of a record. 0 or negative errno. */
int nw_journal_read(const struct nw_journal *journal, struct nw_journal_place place, struct nw_buffer *bytes,
                    struct nw_record *record);

/* Writing it anew, durably, with the records that are kept. Between begin and end nothing is appended. Each of the
 * kept gets a new place, which holds when the end returns 0 (and it is `broken` when only the directory could not be
 * synced); -EIO with `why`: nothing changed. */
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
