/* Which file counts, and what becomes of the others, as registry_file.h tells. */
#include "engine/store/database/registry_file.h"
#include "common/base/buffer.h"
#include "common/base/log.h"
#include "engine/store/database/found.h"
#include "engine/store/database/old.h"
#include "engine/store/database/set_aside.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY          "registry.new"
#define COPY_FAILURES_MOST 8 /* counted in a row: then each 256th change tries to make a copy */

/* What SQLite keeps beside a database while it changes; behind its name. */
static const char *const companions[] = {"-wal", "-journal", "-shm"};

#define COMPANIONS (sizeof companions / sizeof companions[0])

static void companion(const char *name, size_t i, char *path, size_t size)
{
    snprintf(path, size, "%s%s", name, companions[i]);
}

/* --- new files --- */

static void remove_companions(const struct nw__registry_file *file, const char *name)
{
    char path[64];
    for (size_t i = 0; i < COMPANIONS; i++) {
        companion(name, i, path, sizeof path);
        unlinkat(file->directory, path, 0);
    }
}

static void remove_temporary(const struct nw__registry_file *file)
{
    unlinkat(file->directory, TEMPORARY, 0);
    remove_companions(file, TEMPORARY);
}

/* An empty file, under a name for the time being. SQLite would make it for all to read, and its log gets the mode of
 * the file. */
static int make_temporary(const struct nw__registry_file *file, char *path, size_t size)
{
    remove_temporary(file);
    nw__registry_file_path(file, TEMPORARY, path, size);
    int fd = openat(file->directory, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return SQLITE_CANTOPEN;
    close(fd);
    return SQLITE_OK;
}

/* Gives the temporary file, which is on the disk, its name. What belonged to another file of that name must be gone by
 * then, or SQLite would take it for this one's. */
static int name_temporary(const struct nw__registry_file *file, const char *name)
{
    remove_companions(file, name);
    return renameat(file->directory, TEMPORARY, file->directory, name) < 0 || fsync(file->directory) < 0 ? SQLITE_IOERR
                                                                                                         : SQLITE_OK;
}

/* --- the copy --- */

static int copy_all(struct nw__registry_file *file)
{
    char path[4200];
    sqlite3 *copy = NULL;
    int rc = make_temporary(file, path, sizeof path);
    if (rc == SQLITE_OK)
        rc = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_backup *backup = rc == SQLITE_OK ? sqlite3_backup_init(copy, "main", file->main.db, "main") : NULL;
    if (backup) {
        sqlite3_backup_step(backup, -1);
        rc = sqlite3_backup_finish(backup);
    } else if (rc == SQLITE_OK) {
        rc = sqlite3_errcode(copy);
    }
    sqlite3_close(copy);
    return rc;
}

static int make_copy(struct nw__registry_file *file)
{
    char path[4200];
    nw__database_close(&file->copy);
    nw__registry_file_path(file, NW__REGISTRY_COPY, path, sizeof path);
    int rc = copy_all(file);
    if (rc == SQLITE_OK)
        rc = name_temporary(file, NW__REGISTRY_COPY);
    if (rc == SQLITE_OK)
        rc = nw__database_open(&file->copy, path);
    if (rc == SQLITE_OK)
        rc = nw__database_use(&file->copy, false);
    if (rc != SQLITE_OK)
        remove_temporary(file);
    return rc;
}

static bool copy_is_there(const struct nw__registry_file *file)
{
    struct stat st;
    return file->copy.db && fstatat(file->directory, NW__REGISTRY_COPY, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int change_database(struct nw__database *database, enum nw__database_durable durable, nw__registry_change *make,
                           void *arg)
{
    int rc = nw__database_begin(database, durable);
    if (rc == SQLITE_OK)
        rc = make(database, arg);
    if (rc == SQLITE_OK)
        rc = nw__database_end(database);
    if (rc != SQLITE_OK)
        nw__database_give_up(database);
    return rc;
}

/* Each try writes all of it while others wait for the registry, so what fails is tried ever more seldom. */
static void count_copy(struct nw__registry_file *file, bool made)
{
    file->copy_left_out = made ? 0 : 1u << file->copy_failures;
    file->copy_failures = made ? 0 : file->copy_failures + (file->copy_failures < COPY_FAILURES_MOST);
}

void nw_registry_file_copy(struct nw__registry_file *file, nw__registry_change *make, void *arg)
{
    char why[256];
    int rc = SQLITE_ERROR;
    if (file->copy_left_out) {
        file->copy_left_out--;
        return;
    }
    if (copy_is_there(file) && file->copy.seal.change + 1 == file->main.seal.change)
        rc = change_database(&file->copy, NW__DATABASE_KILL, make, arg);
    if (rc != SQLITE_OK || file->copy.seal.change != file->main.seal.change)
        rc = make_copy(file);
    count_copy(file, rc == SQLITE_OK);
    if (rc == SQLITE_OK)
        return;
    nw__database_explain(&file->copy, rc, why, sizeof why);
    nw__database_close(&file->copy);
    nw_log(NW_LOG_WARN,
           "cannot copy %s/" NW__REGISTRY_NAME " to " NW__REGISTRY_COPY ": %s; tried again after %u more changes",
           file->path, why, file->copy_left_out);
}

/* --- making another one of what is whole --- */

struct taking {
    struct nw__database *to;
    int rc;
};

static bool take(void *arg, const struct nw__database_row *row)
{
    struct taking *taking = arg;
    if (taking->rc == SQLITE_OK)
        taking->rc = nw__database_take(taking->to, row);
    return taking->rc == SQLITE_OK;
}

static void take_old(void *arg, const struct nw__database_row *row)
{
    take(arg, row);
}

/* What is whole in a file, from changes behind `after`. */
static int take_from(const struct nw__registry_file *file, struct nw__found *found, int64_t after,
                     struct nw__database *to)
{
    struct taking taking = {to, SQLITE_OK};
    char path[4200];
    nw__registry_file_path(file, found->name, path, sizeof path);
    if (found->kind == NW__FOUND_DATABASE && found->database.db)
        nw_database_each(&found->database, after, take, &taking);
    else if (found->kind == NW__FOUND_OLD_DATABASE && found->whole && !after)
        nw__old_read(path, false, take_old, &taking);
    else if (found->kind == NW__FOUND_OLD_JOURNAL)
        nw__old_read_journal(found->journal.data, found->journal.length, take_old, &taking);
    if (to->next.change < found->change)
        to->next.change = found->change;
    return taking.rc;
}

struct sources {
    const struct nw__registry_file *file;
    struct nw__found *main, *copy;
    bool alone; /* the first one is all that counts */
};

/* A function that a whole copy lacks was removed, unless it came with a later change. */
static int take_all(struct nw__database *to, void *arg)
{
    const struct sources *from = arg;
    int rc = from->alone ? SQLITE_OK : take_from(from->file, from->copy, 0, to);
    bool complete = !from->alone && from->copy->whole && from->copy->kind == NW__FOUND_DATABASE;
    return rc == SQLITE_OK ? take_from(from->file, from->main, complete ? from->copy->change : 0, to) : rc;
}

static int cannot_make(const struct nw__registry_file *file, const struct nw__database *made, int rc, char *why,
                       size_t why_size)
{
    char reason[256];
    nw__database_explain(made, rc, reason, sizeof reason);
    snprintf(why, why_size, "cannot make the registry %s/" NW__REGISTRY_NAME ": %s", file->path, reason);
    return -EIO;
}

/* Makes the registry of what is whole, under its temporary name. `served`: whether that is anything. */
static int make_of(struct nw__registry_file *file, struct sources *sources, bool *served, char *why, size_t why_size)
{
    char path[4200];
    struct nw__database made = {.db = NULL};
    int rc = make_temporary(file, path, sizeof path);
    if (rc == SQLITE_OK)
        rc = nw__database_make(&made, path);
    if (rc == SQLITE_OK)
        rc = change_database(&made, NW__DATABASE_MACHINE, take_all, sources);
    *served = made.seal.total != 0;
    if (rc != SQLITE_OK)
        rc = cannot_make(file, &made, rc, why, why_size);
    nw__database_close(&made);
    return rc;
}

static int use(struct nw__registry_file *file, char *why, size_t why_size)
{
    char path[4200];
    nw__registry_file_path(file, NW__REGISTRY_NAME, path, sizeof path);
    int rc = file->main.db ? SQLITE_OK : nw__database_open(&file->main, path);
    if (rc == SQLITE_OK)
        rc = nw__database_use(&file->main, true);
    return rc == SQLITE_OK ? 0 : cannot_make(file, &file->main, rc, why, why_size);
}

/* Puts the one that was made in place of what was found. */
static int take_place(struct nw__registry_file *file, char *why, size_t why_size)
{
    int rc = name_temporary(file, NW__REGISTRY_NAME);
    return rc == SQLITE_OK ? use(file, why, why_size) : cannot_make(file, &file->main, rc, why, why_size);
}

static int convert(struct nw__registry_file *file, struct sources *sources, char *why, size_t why_size)
{
    bool served;
    int rc = make_of(file, sources, &served, why, why_size);
    return rc < 0 ? rc : take_place(file, why, why_size);
}

static int cannot_use(const struct nw__registry_file *file, const struct nw__found *found, char *why, size_t why_size)
{
    snprintf(why, why_size,
             "cannot open the registry %s/%s: %s; nothing was changed or deleted. Make it a file that this user may "
             "read and write, or move it elsewhere: the next start then goes on without it, with what %s has",
             file->path, found->name, found->why,
             strcmp(found->name, NW__REGISTRY_NAME) ? NW__REGISTRY_NAME : "its last good copy, " NW__REGISTRY_COPY ",");
    return -EIO;
}

static void notice(struct nw__registry_file *file, const struct nw__found *main, const char *as, bool served)
{
    char what[300], kept[96] = "";
    snprintf(what, sizeof what, "is damaged (%s)", main->why);
    if (*as)
        snprintf(kept, sizeof kept, " (what was found is kept as %s)", as);
    const char *state = main->is == NW__FOUND_BYTES ? what : main->is == NW__FOUND_EMPTY ? "is empty" : "is missing";
    if (served)
        snprintf(file->notice, sizeof file->notice,
                 "the registry %s%s: what is whole in it and in its last good copy, " NW__REGISTRY_COPY
                 ", is served; deploy again what `nightward list` lacks",
                 state, kept);
    else
        snprintf(file->notice, sizeof file->notice,
                 "the registry %s%s, and there is no good copy of it: nothing is deployed. All code is still in the "
                 "directory store; deploy each function again (nightward deploy NAME FILE.so)",
                 state, kept);
}

/* The log goes with its file, which it is a part of. */
static void set_companions_aside(const struct nw__registry_file *file, const char *name)
{
    char path[64], as[96];
    for (size_t i = 0; i < COMPANIONS; i++) {
        companion(name, i, path, sizeof path);
        nw_set_aside(file->directory, path, as, sizeof as);
    }
}

/* No damaged file is deleted: the registry stays under a second name, and a copy without a whole row is renamed. */
static int recover(struct nw__registry_file *file, struct sources *sources, char *why, size_t why_size)
{
    char as[64] = "", copy_as[64];
    struct nw__found *main = sources->main, *copy = sources->copy;
    bool served;
    if (make_of(file, sources, &served, why, why_size) < 0)
        return -EIO;
    int rc = main->is == NW__FOUND_BYTES ? nw__set_aside_keep(file->directory, main->name, as, sizeof as) : 0;
    if (!rc && copy->is == NW__FOUND_BYTES && !served)
        rc = nw_set_aside(file->directory, copy->name, copy_as, sizeof copy_as);
    if (rc < 0) {
        snprintf(main->why, sizeof main->why, "%s", strerror(-rc));
        return cannot_use(file, main, why, why_size);
    }
    nw__database_close(&main->database);
    if (main->whole)
        snprintf(main->why, sizeof main->why, "%s",
                 main->log != NW__WAL_WHOLE ? "its log is not what was written" : "it lacks what its copy has");
    set_companions_aside(file, main->name);
    file->may_lack = true;
    notice(file, main, as, served);
    return take_place(file, why, why_size);
}

/* A change that is not whole at the end of the log was never reported as done, or is in a copy that could be written:
 * so nothing lacks when the copy is whole and has no more. Damage before other changes is no such end. */
static bool log_is_fine(const struct nw__found *main, const struct nw__found *copy)
{
    if (main->log != NW__WAL_CUT)
        return main->log == NW__WAL_WHOLE;
    return copy->whole && copy->log == NW__WAL_WHOLE && copy->kind == main->kind && copy->change == main->change;
}

/* The log is emptied, so that what is left in it of changes that were not whole is not found again behind later ones:
 * now or, if that fails, before the next change. */
static int use_found(struct nw__registry_file *file, struct nw__found *main, char *why, size_t why_size)
{
    file->may_lack = main->log != NW__WAL_WHOLE;
    file->main = main->database;
    main->database.db = NULL;
    nw__database_keep_log(&file->main, false);
    int rc = use(file, why, why_size);
    file->broken = rc == 0 && nw__database_settle(&file->main) != SQLITE_OK;
    return rc;
}

static int choose(struct nw__registry_file *file, struct nw__found *main, struct nw__found *copy, bool has_code,
                  char *why, size_t why_size)
{
    struct sources sources = {file, main, copy, true};
    bool fresh = main->is == NW__FOUND_NOTHING && copy->is == NW__FOUND_NOTHING && !has_code;
    bool lacks = copy->kind == main->kind && copy->change > main->change;
    if (fresh || (main->whole && main->kind != NW__FOUND_DATABASE && !lacks))
        return convert(file, &sources, why, why_size);
    if (main->whole && !lacks && log_is_fine(main, copy))
        return use_found(file, main, why, why_size);
    sources.alone = false;
    return recover(file, &sources, why, why_size);
}

/* A whole copy of just this registry is used as it is. */
static void use_copy(struct nw__registry_file *file, struct nw__found *copy)
{
    bool same = copy->whole && copy->log == NW__WAL_WHOLE && copy->kind == NW__FOUND_DATABASE &&
                copy->change == file->main.seal.change && copy->database.seal.total == file->main.seal.total;
    if (same && nw__database_use(&copy->database, false) == SQLITE_OK) {
        file->copy = copy->database;
        copy->database.db = NULL;
        return;
    }
    nw__database_close(&copy->database);
    nw_registry_file_copy(file, NULL, NULL);
}

/* Notes what our own changes have made of the files. */
static void remember(struct nw__registry_file *file)
{
    struct stat st;
    file->size = fstatat(file->directory, NW__REGISTRY_NAME, &st, 0) < 0 ? 0 : st.st_size;
    file->log_size = fstatat(file->directory, NW__REGISTRY_NAME "-wal", &st, 0) < 0 ? 0 : st.st_size;
}

static int identify(struct nw__registry_file *file, char *why, size_t why_size)
{
    struct stat st;
    if (fstatat(file->directory, NW__REGISTRY_NAME, &st, 0) < 0)
        return cannot_make(file, &file->main, SQLITE_IOERR, why, why_size);
    file->device = st.st_dev;
    file->inode = st.st_ino;
    remember(file);
    return 0;
}

/* A look at the copy, on a thread of its own. */
struct looking {
    const struct nw__registry_file *file;
    struct nw__found *copy;
    int rc;
};

static void *look_at_copy(void *arg)
{
    struct looking *looking = arg;
    looking->rc = nw__found_look(looking->file, looking->copy, true);
    return NULL;
}

/* Both at the same time, since a start waits for it. Returns what look returns for the registry. */
static int look_at_both(const struct nw__registry_file *file, struct nw__found *main, struct nw__found *copy,
                        int *copy_rc)
{
    struct looking looking = {file, copy, 0};
    pthread_t thread;
    bool has_copy = faccessat(file->directory, copy->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    bool threaded = pthread_create(&thread, NULL, look_at_copy, &looking) == 0;
    int rc = nw__found_look(file, main, has_copy);
    if (threaded)
        pthread_join(thread, NULL);
    else
        look_at_copy(&looking);
    *copy_rc = looking.rc;
    return rc;
}

static int open_any(struct nw__registry_file *file, struct nw__found *main, struct nw__found *copy, bool has_code,
                    char *why, size_t why_size)
{
    int copy_rc;
    if (look_at_both(file, main, copy, &copy_rc) < 0)
        return cannot_use(file, main, why, why_size);
    if (copy_rc < 0 && !main->whole)
        return cannot_use(file, copy, why, why_size);
    int rc = choose(file, main, copy, has_code, why, why_size);
    if (rc == 0)
        use_copy(file, copy);
    return rc < 0 ? rc : identify(file, why, why_size);
}

int nw_registry_file_open(struct nw__registry_file *file, const char *directory, bool has_code, char *why,
                          size_t why_size)
{
    struct nw__found main = {.name = NW__REGISTRY_NAME}, copy = {.name = NW__REGISTRY_COPY};
    snprintf(file->path, sizeof file->path, "%s", directory);
    file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0) {
        snprintf(why, why_size, "cannot open %s: %s", directory, strerror(errno));
        return -EIO;
    }
    int rc = open_any(file, &main, &copy, has_code, why, why_size);
    nw__found_fini(&main);
    nw__found_fini(&copy);
    return rc;
}

void nw_registry_file_close(struct nw__registry_file *file)
{
    nw__database_close(&file->main);
    nw__database_close(&file->copy);
    if (file->directory >= 0)
        close(file->directory);
}

bool nw_registry_file_is_there(const struct nw__registry_file *file)
{
    char path[4200];
    struct stat st;
    nw__registry_file_path(file, NW__REGISTRY_NAME, path, sizeof path);
    return stat(path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode;
}

/* --- changing --- */

/* Refuses to write to a file that somebody else has changed or moved: what he writes, or we, would be lost. */
static bool is_in_use(struct nw__registry_file *file, char *why, size_t why_size)
{
    off_t size = file->size, log_size = file->log_size;
    if (!nw_registry_file_is_there(file)) {
        snprintf(why, why_size, "the registry was deleted or moved while it was in use; what runs goes on");
        return false;
    }
    remember(file);
    if (file->size == size && file->log_size == log_size)
        return true;
    file->size = size;
    file->log_size = log_size;
    snprintf(
        why, why_size,
        "the registry was damaged while it was in use; what runs goes on. Start Nightward again: it then takes what "
        "is whole in it and in its copy, " NW__REGISTRY_COPY);
    return false;
}

static int nothing(struct nw__database *database, void *arg)
{
    (void)database, (void)arg;
    return SQLITE_OK;
}

/* Takes what a change that failed has written behind the log as it was remembered: the next start would take what later
 * ones leave of that for damage. */
static void cut_log(const struct nw__registry_file *file)
{
    struct stat st;
    int fd = openat(file->directory, NW__REGISTRY_NAME "-wal", O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_size > file->log_size && ftruncate(fd, file->log_size) < 0)
        nw_log(NW_LOG_WARN, "cannot cut off the log of %s/" NW__REGISTRY_NAME ": %s", file->path, strerror(errno));
    close(fd);
}

/* After a wait for the disk has failed nobody knows what the disk has of the log, and a further wait would not tell. */
static int settle(struct nw__registry_file *file)
{
    int rc = file->broken ? nw__database_settle(&file->main) : SQLITE_OK;
    file->broken = rc != SQLITE_OK;
    return rc;
}

int nw_registry_file_change(struct nw__registry_file *file, enum nw__database_durable durable,
                            nw__registry_change *make, void *arg, char *why, size_t why_size)
{
    char reason[256];
    if (!is_in_use(file, why, why_size))
        return -EIO;
    int rc = settle(file);
    remember(file);
    if (rc == SQLITE_OK)
        rc = change_database(&file->main, durable, make, arg);
    nw__database_explain(&file->main, rc, reason, sizeof reason);
    if (rc != SQLITE_OK)
        cut_log(file);
    /* What was written and could not be waited for must not come back after a kill: the next change writes over it. */
    if (rc != SQLITE_OK && durable == NW__DATABASE_MACHINE) {
        file->broken = true;
        change_database(&file->main, NW__DATABASE_KILL, nothing, NULL);
    }
    remember(file);
    if (rc == SQLITE_OK)
        return 0;
    snprintf(why, why_size, "cannot write to the registry: %s", reason);
    return -EIO;
}
