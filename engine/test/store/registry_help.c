/* The helpers of registry_help.h. */
#include "engine/test/store/registry_help.h"
#include <dirent.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

char directory[64];
static char why[1024];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int set_up(void **state)
{
    (void)state;
    /* In memory where that can be: thousands of registries are written, and no power fails. */
    strcpy(directory, "/dev/shm/nw-registry-test-XXXXXX");
    if (mkdtemp(directory))
        return 0;
    strcpy(directory, "/tmp/nw-registry-test-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

int tear_down(void **state)
{
    (void)state;
    return nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

struct nw_registry *open_registry(void)
{
    struct nw_registry *registry = nw_registry_open(directory, why, sizeof why);
    if (!registry)
        fail_msg("%s", why);
    return registry;
}

const char *store_notice(struct nw_registry *registry)
{
    nw_registry_note_unlisted(registry, nw_registry_look_through(registry));
    return nw_registry_store_notice(registry);
}

int change(struct nw_registry *registry, const char *name, const struct nw_manifest *manifest, const char *sha256,
           char *text, size_t size)
{
    struct nw_registry_change change = {
        .name = name, .manifest = manifest, .sha256 = sha256, .why = text, .why_size = size};
    struct nw_registry_change *const all = &change;
    nw_registry_apply(registry, &all, 1);
    nw_buffer_fini(&change.dropped);
    return change.rc;
}

void put(struct nw_registry *registry, const char *name, const char *code, unsigned slots)
{
    struct nw_manifest manifest;
    char sha256[65];
    nw_manifest_init(&manifest);
    strcpy(manifest.name, name);
    manifest.slots = slots;
    assert_int_equal(nw_manifest_set(&manifest, "env", "KEY=a \"value\"", why, sizeof why), 0);
    if (nw_registry_store(registry, code, strlen(code), sha256, why, sizeof why) < 0 ||
        change(registry, name, &manifest, sha256, why, sizeof why) < 0)
        fail_msg("%s", why);
    nw_manifest_fini(&manifest);
}

/* Every row must be servable: its code is there and is what its hash says. */
static void take_row(void *arg, const struct nw_registry_row *of)
{
    const struct nw_manifest *manifest = of->manifest;
    const char *sha256 = of->sha256;
    struct rows *rows = arg;
    struct row *row = &rows->row[rows->n++];
    unsigned char digest[32];
    strcpy(row->name, manifest->name);
    strcpy(row->sha256, sha256);
    row->slots = manifest->slots;
    assert_string_equal(manifest->env.data, "KEY=a \"value\"");
    int fd = nw_registry_open_code(rows->registry, sha256, why, sizeof why);
    if (fd < 0)
        fail_msg("%s", why);
    ssize_t n = pread(fd, row->code, sizeof row->code - 1, 0);
    close(fd);
    assert_true(n >= 0);
    EVP_Digest(row->code, (size_t)n, digest, NULL, EVP_sha256(), NULL);
    for (int i = 0; i < 32; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", digest[i]);
        assert_memory_equal(hex, sha256 + 2 * i, 2);
    }
}

static int by_name(const void *one, const void *other)
{
    return strcmp(((const struct row *)one)->name, ((const struct row *)other)->name);
}

struct rows read_rows(struct nw_registry *registry)
{
    struct rows rows = {.registry = registry};
    nw_registry_each(registry, take_row, &rows);
    qsort(rows.row, (size_t)rows.n, sizeof *rows.row, by_name);
    return rows;
}

const char *path_in(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int files_with(const char *end)
{
    DIR *dir = opendir(path_in("store"));
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *found = strstr(entry->d_name, end);
        n += found && !strcmp(found, end);
    }
    closedir(dir);
    return n;
}

int files_in_store(void)
{
    return files_with(".so");
}

int damaged_in_store(void)
{
    return files_with(".so.damaged") + files_with(".so.damaged.2");
}

size_t read_file(const char *name, char *to)
{
    FILE *file = fopen(path_in(name), "r");
    assert_non_null(file);
    size_t n = fread(to, 1, FILE_MOST, file);
    fclose(file);
    return n;
}

void write_file(const char *name, const char *from, size_t length)
{
    chmod(path_in(name), 0600);
    FILE *file = fopen(path_in(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(from, 1, length, file), length);
    fclose(file);
}

static void log_of(const char *name, char *log)
{
    sprintf(log, "%s-wal", name);
}

void take_left(const char *name, struct left *left)
{
    char log[64];
    log_of(name, log);
    left->length = read_file(name, left->file);
    left->log_length = is_there(log) ? read_file(log, left->log) : 0;
}

void put_left(const char *name, const struct left *left)
{
    char log[64];
    log_of(name, log);
    write_file(name, left->file, left->length);
    write_file(log, left->log, left->log_length);
}

void remove_file(const char *name)
{
    assert_int_equal(unlink(path_in(name)), 0);
}

bool is_there(const char *name)
{
    return access(path_in(name), F_OK) == 0;
}

void store_path(const char *sha256, char *name)
{
    sprintf(name, "store/%s.so", sha256);
}

void make_two(void)
{
    struct nw_registry *registry = open_registry();
    put(registry, "a", "code of a", 1);
    put(registry, "b", "code of b", 2);
    nw_registry_close(registry);
}

bool are_two(const struct rows *rows)
{
    return rows->n == 2 && !strcmp(rows->row[0].name, "a") && !strcmp(rows->row[0].code, "code of a") &&
           rows->row[0].slots == 1 && !strcmp(rows->row[1].name, "b") && !strcmp(rows->row[1].code, "code of b") &&
           rows->row[1].slots == 2;
}

/* Opens it: both functions are there, and `text` is in what is said. */
void expect_recovery(const char *text)
{
    struct nw_registry *registry = open_registry();
    struct rows rows = read_rows(registry);
    const char *notice = nw_registry_notice(registry);
    if (!are_two(&rows) || !notice || !strstr(notice, text))
        fail_msg("%d rows, and \"%s\" is not in \"%s\"", rows.n, text, notice ? notice : "");
    nw_registry_close(registry);
    registry = open_registry(); /* once only */
    assert_null(nw_registry_notice(registry));
    nw_registry_close(registry);
}

void sql(sqlite3 *db, const char *text)
{
    char *error = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", text, error);
}
