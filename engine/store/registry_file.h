/*
 * The database of the registry, DIR/registry, as a file: opened only when it is whole, and kept twice. A checksum in it
 * covers its tables and rows. Each change checks the checksum, renews it, and then copies the database to
 * DIR/registry.backup. When a start finds it missing, empty or damaged, what was found is set aside, the copy takes its
 * place, and `notice` says so. Not responsible for what the rows mean (registry.c).
 */
#ifndef NW_ENGINE_STORE_REGISTRY_FILE_H
#define NW_ENGINE_STORE_REGISTRY_FILE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NW__REGISTRY_NOTICE_SIZE 768

struct nw__registry_file {
    sqlite3 *db;
    int directory; /* -1: not open */
    char path[4096];
    dev_t device; /* of the file in use */
    ino_t inode;
    char notice[NW__REGISTRY_NOTICE_SIZE]; /* what happened when it was opened, for people; empty: nothing */
    pthread_mutex_t change, copy;          /* one change, and one copy, at a time */
};

/* `has_code`: the store is not empty, so that an empty registry needs an explanation. 0, or -EIO with `why`. */
int nw__registry_file_open(struct nw__registry_file *file, const char *directory, bool has_code, char *why,
                           size_t why_size);
void nw__registry_file_close(struct nw__registry_file *file);

/* Carries out a statement with `n` texts, durably. 0, or -EIO with `why`; then nothing changed. */
int nw__registry_file_change(struct nw__registry_file *file, const char *sql, const char *const *texts, int n,
                             char *why, size_t why_size);

/* Lists code as written by this registry, durably: 0, or -EIO with `why`. The second takes off the list what no row
 * names. */
int nw__registry_file_list_code(struct nw__registry_file *file, const char *sha256, char *why, size_t why_size);
void nw__registry_file_forget_code(struct nw__registry_file *file);

/* Whether the file is still there, under the same path. */
bool nw__registry_file_is_there(const struct nw__registry_file *file);

#endif
