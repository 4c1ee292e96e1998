/* A registry in a directory of its own, for tests. Everything fails the running test when it fails. */
#ifndef NW_ENGINE_TEST_STORE_REGISTRY_HELP_H
#define NW_ENGINE_TEST_STORE_REGISTRY_HELP_H

#include "engine/store/registry.h"
#include <sqlite3.h>

extern char directory[64]; /* the registry's; made and removed by these two, for cmocka */
int set_up(void **state);
int tear_down(void **state);

struct nw_registry *open_registry(void);

/* What is to be said of the store, which is looked through for it. */
const char *store_notice(struct nw_registry *registry);

/* Applies one change; without manifest the function is removed. As nw_registry_apply, and `rc` is returned. */
int change(struct nw_registry *registry, const char *name, const struct nw_manifest *manifest, const char *sha256,
           char *text, size_t size);

/* Deploys, as far as the registry is concerned. */
void put(struct nw_registry *registry, const char *name, const char *code, unsigned slots);

struct row {
    char name[64], sha256[65], code[256];
    unsigned slots;
};

struct rows {
    struct nw_registry *registry;
    struct row row[16];
    int n;
};

/* All rows; each must be servable: its code is there and is what its hash says. */
struct rows read_rows(struct nw_registry *registry);

/* The functions "a" and "b", and whether just these are there. */
void make_two(void);
bool are_two(const struct rows *rows);

/* Opens a registry: both functions are there, and `text` is in what is said; the next time nothing is. */
void expect_recovery(const char *text);

void sql(sqlite3 *db, const char *text);

/* Shared objects in the store, and files that were set aside there. */
int files_in_store(void);
int damaged_in_store(void);

#define FILE_MOST (1 << 20) /* bytes of a file that is read */

/* A file in the directory: its bytes, the same from now on, gone, whether it is there. */
size_t read_file(const char *name, char *to);
void write_file(const char *name, const char *from, size_t length);
void remove_file(const char *name);
bool is_there(const char *name);

/* The registry as a kill, or a failure of the machine, would leave it at this moment: file and log. */
struct left {
    char file[FILE_MOST], log[FILE_MOST];
    size_t length, log_length;
};
void take_left(const char *name, struct left *left);
void put_left(const char *name, const struct left *left);

/* The name of code, in the directory. */
void store_path(const char *sha256, char *name);

/* The path of a file in the directory; valid until the next call. */
const char *path_in(const char *name);

#endif
