/*
 * A function of profile files that does what its input says with files: a command and its arguments, separated by
 * spaces. The answer is the name of the error, or "ok", or what there is to tell. Files that were opened stay open, by
 * number.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ARGUMENTS 5
#define TEXT      512

struct filer {
    void *context;
    faas_append_output_fn_t append;
    faas_invoke_func_fn_t invoke;
    char *argument[ARGUMENTS];
    char text[TEXT];
};

typedef const char *command(struct filer *f);

static const char *outcome(long result)
{
    return result < 0 ? strerrorname_np(errno) : "ok";
}

static const char *number(struct filer *f, long result)
{
    if (result < 0)
        return outcome(result);
    snprintf(f->text, TEXT, "%ld", result);
    return f->text;
}

static long value(const struct filer *f, int i)
{
    return f->argument[i] ? strtol(f->argument[i], NULL, 0) : 0;
}

static const char *do_open(struct filer *f)
{
    return number(f, open(f->argument[0], (int)value(f, 1), 0644));
}

static const char *do_close(struct filer *f)
{
    return outcome(close((int)value(f, 0)));
}

static const char *do_read(struct filer *f)
{
    int fd = open(f->argument[0], O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, f->text, TEXT - 1);

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return outcome(-1);
    f->text[n] = '\0';
    return f->text;
}

static const char *do_write(struct filer *f)
{
    int fd = open(f->argument[0], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t n = fd < 0 ? -1 : write(fd, f->argument[1], strlen(f->argument[1]));

    if (fd >= 0)
        close(fd);
    return outcome(n);
}

static const char *do_stat(struct filer *f)
{
    struct stat st;

    if (lstat(f->argument[0], &st) < 0)
        return outcome(-1);
    snprintf(f->text, TEXT, "%o %ld", st.st_mode, (long)st.st_size);
    return f->text;
}

static const char *do_access(struct filer *f)
{
    return outcome(access(f->argument[0], (int)value(f, 1)));
}

static const char *do_mkdir(struct filer *f)
{
    return outcome(mkdir(f->argument[0], 0755));
}

static const char *do_rmdir(struct filer *f)
{
    return outcome(rmdir(f->argument[0]));
}

static const char *do_chdir(struct filer *f)
{
    return outcome(chdir(f->argument[0]));
}

static const char *do_fchdir(struct filer *f)
{
    return outcome(fchdir((int)value(f, 0)));
}

static const char *do_getcwd(struct filer *f)
{
    size_t size = f->argument[0] ? (size_t)value(f, 0) : TEXT;

    return getcwd(f->text, size) ? f->text : outcome(-1);
}

static const char *do_realpath(struct filer *f)
{
    char path[PATH_MAX];

    if (!realpath(f->argument[0], path))
        return outcome(-1);
    snprintf(f->text, TEXT, "%.500s", path);
    return f->text;
}

static const char *do_unlink(struct filer *f)
{
    return outcome(unlink(f->argument[0]));
}

static const char *do_rename(struct filer *f)
{
    return outcome(rename(f->argument[0], f->argument[1]));
}

static const char *do_symlink(struct filer *f)
{
    return outcome(symlink(f->argument[0], f->argument[1]));
}

static const char *do_link(struct filer *f)
{
    return outcome(link(f->argument[0], f->argument[1]));
}

static const char *do_link_at(struct filer *f)
{
    return outcome(linkat(AT_FDCWD, f->argument[0], AT_FDCWD, f->argument[1], AT_SYMLINK_FOLLOW));
}

static const char *do_chmod(struct filer *f)
{
    return outcome(chmod(f->argument[0], (mode_t)value(f, 1)));
}

static const char *do_fchmod(struct filer *f)
{
    return outcome(fchmod((int)value(f, 0), (mode_t)value(f, 1)));
}

static const char *do_chown(struct filer *f)
{
    return outcome(chown(f->argument[0], 0, 0));
}

static const char *do_truncate(struct filer *f)
{
    return outcome(truncate(f->argument[0], value(f, 1)));
}

static const char *do_creat(struct filer *f)
{
    int fd = creat(f->argument[0], 0600);

    return outcome(fd < 0 ? fd : close(fd));
}

/* Sets the time of the last change, by name, of what the name is, or of an open file; and says what it is then. */
static const char *do_touch(struct filer *f)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = value(f, 1)}};
    bool open = f->argument[0][0] >= '0' && f->argument[0][0] <= '9', link = f->argument[2] != NULL;
    struct stat st;

    if ((open ? futimens((int)value(f, 0), times)
              : utimensat(AT_FDCWD, f->argument[0], times, link ? AT_SYMLINK_NOFOLLOW : 0)) < 0)
        return outcome(-1);
    if ((open ? fstat((int)value(f, 0), &st) : link ? lstat(f->argument[0], &st) : stat(f->argument[0], &st)) < 0)
        return outcome(-1);
    return number(f, st.st_mtime);
}

static const char *do_space(struct filer *f)
{
    struct statvfs fs;
    bool open = f->argument[0][0] >= '0' && f->argument[0][0] <= '9';

    if ((open ? fstatvfs((int)value(f, 0), &fs) : statvfs(f->argument[0], &fs)) < 0)
        return outcome(-1);
    return fs.f_bsize > 0 && fs.f_blocks > 0 ? "ok" : "nothing";
}

/* FROM TO: a copy as std::filesystem makes one. */
static const char *do_send(struct filer *f)
{
    int from = open(f->argument[0], O_RDONLY), to = open(f->argument[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    off_t at = value(f, 2);
    ssize_t n = sendfile(to, from, f->argument[2] ? &at : NULL, 1 << 30);

    close(from);
    close(to);
    snprintf(f->text, TEXT, "%zd %ld", n, (long)at);
    return n < 0 ? outcome(n) : f->text;
}

/* FROM TO FROM_AT TO_AT LENGTH */
static const char *do_copy_range(struct filer *f)
{
    int from = open(f->argument[0], O_RDONLY), to = open(f->argument[1], O_WRONLY | O_CREAT, 0644);
    off_t from_at = value(f, 2), to_at = value(f, 3);
    ssize_t n = copy_file_range(from, &from_at, to, &to_at, (size_t)value(f, 4), 0);

    close(from);
    close(to);
    snprintf(f->text, TEXT, "%zd %ld %ld", n, (long)from_at, (long)to_at);
    return n < 0 ? outcome(n) : f->text;
}

static const char *do_send_to_nowhere(struct filer *f)
{
    return outcome(
        syscall(SYS_sendfile, (int)value(f, 0), (int)value(f, 1), (void *)strtoul(f->argument[2], NULL, 0), 1));
}

/* FD COMMAND TYPE START LENGTH: the command a name, the type a letter. What F_GETLK finds is told. */
static const char *do_lock(struct filer *f)
{
    static const struct {
        const char *name;
        int command;
    } names[] = {{"set", F_SETLK},         {"wait", F_SETLKW},         {"get", F_GETLK},
                 {"ofd-set", F_OFD_SETLK}, {"ofd-wait", F_OFD_SETLKW}, {"ofd-get", F_OFD_GETLK}};
    const char type = f->argument[2][0];
    struct flock lock = {.l_type = type == 'r'   ? F_RDLCK
                                   : type == 'w' ? F_WRLCK
                                   : type == 'u' ? F_UNLCK
                                                 : 77,
                         .l_whence = SEEK_SET,
                         .l_start = value(f, 3),
                         .l_len = value(f, 4)};
    size_t i = 0;

    while (strcmp(names[i].name, f->argument[1]) != 0)
        i++;
    if (fcntl((int)value(f, 0), names[i].command, &lock) < 0)
        return outcome(-1);
    if (!strstr(f->argument[1], "get"))
        return "ok";
    snprintf(f->text, TEXT, "%c %ld %ld %d",
             lock.l_type == F_RDLCK   ? 'r'
             : lock.l_type == F_WRLCK ? 'w'
                                      : 'u',
             (long)lock.l_start, (long)lock.l_len, lock.l_pid);
    return f->text;
}

/* FD POSITION LENGTH: as a library of C does it, from the file's position. */
static const char *do_lockf(struct filer *f)
{
    lseek((int)value(f, 0), value(f, 1), SEEK_SET);
    return outcome(lockf((int)value(f, 0), F_TLOCK, value(f, 2)));
}

/* FD COMMAND: every other place, until it is refused. How many. */
static const char *do_lock_many(struct filer *f)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int how = strcmp(f->argument[1], "ofd") == 0 ? F_OFD_SETLK : F_SETLK;

    while (lock.l_start < 100000 && fcntl((int)value(f, 0), how, &lock) == 0)
        lock.l_start += 2;
    snprintf(f->text, TEXT, "%ld %s", (long)lock.l_start / 2, strerrorname_np(errno));
    return f->text;
}

static const char *do_dup(struct filer *f)
{
    return number(f, dup((int)value(f, 0)));
}

/* FD LENGTH: that many bytes at the file's position, in one call. How many were written. */
static const char *do_fill(struct filer *f)
{
    static char bytes[8 << 20];

    return number(f, write((int)value(f, 0), bytes, (size_t)value(f, 1)));
}

/* FD AT LENGTH */
static const char *do_fill_at(struct filer *f)
{
    static char bytes[8 << 20];

    return number(f, pwrite((int)value(f, 0), bytes, (size_t)value(f, 2), value(f, 1)));
}

/* FD PIECES LENGTH: in pieces of this length. */
static const char *do_fill_pieces(struct filer *f)
{
    static char bytes[64 << 10];
    struct iovec pieces[16];

    for (int i = 0; i < 16; i++)
        pieces[i] = (struct iovec){bytes, (size_t)value(f, 2)};
    return number(f, writev((int)value(f, 0), pieces, (int)value(f, 1)));
}

static const char *do_seek(struct filer *f)
{
    return number(f, lseek((int)value(f, 0), value(f, 1), SEEK_SET));
}

static const char *do_ftruncate(struct filer *f)
{
    return outcome(ftruncate((int)value(f, 0), value(f, 1)));
}

/* FD MODE AT LENGTH */
static const char *do_allocate(struct filer *f)
{
    return outcome(fallocate((int)value(f, 0), (int)value(f, 1), value(f, 2), value(f, 3)));
}

/* PREFIX: empty files, directories and links, each while it is let. How many. */
static const char *do_names(struct filer *f)
{
    char path[256];
    long n = 0;
    int made = 0;

    for (; n < 100000 && made >= 0; n++) {
        snprintf(path, sizeof(path), "%s%ld", f->argument[0], n);
        made = n % 3 == 0 ? open(path, O_CREAT | O_WRONLY, 0600) : n % 3 == 1 ? mkdir(path, 0700) : symlink("x", path);
        if (n % 3 == 0 && made >= 0)
            close(made);
    }
    snprintf(f->text, TEXT, "%ld %s", n - 1, strerrorname_np(errno));
    return f->text;
}

/* How much is left, in blocks, as the file system tells it. */
static const char *do_left(struct filer *f)
{
    struct statvfs fs;

    return statvfs(f->argument[0], &fs) < 0 ? outcome(-1) : number(f, (long)(fs.f_bavail * fs.f_bsize / 4096));
}

static volatile bool seeking;

/* Writes go where another thread moves the position to, before and after they were counted. */
static void *seek(void *fd)
{
    for (long i = 0; seeking; i++)
        lseek((int)(intptr_t)fd, i % 2 ? 0 : 64l << 20, SEEK_SET);
    return NULL;
}

/* PATH TIMES: what it takes on the disk afterwards, in KiB. */
static const char *do_write_race(struct filer *f)
{
    int fd = open(f->argument[0], O_RDWR | O_CREAT, 0600);
    static char bytes[256 << 10];
    pthread_t thread;
    struct stat st;

    seeking = true;
    if (fd < 0 || pthread_create(&thread, NULL, seek, (void *)(intptr_t)fd) != 0)
        return "no thread";
    for (long i = 0; i < value(f, 1); i++)
        write(fd, bytes, sizeof(bytes));
    seeking = false;
    pthread_join(thread, NULL);
    fstat(fd, &st);
    return number(f, st.st_blocks / 2);
}

static char *shared;

/* FD PROTECTION LENGTH: the file as memory that is shared. */
static const char *do_map(struct filer *f)
{
    void *at = mmap(NULL, (size_t)value(f, 2), (int)value(f, 1), MAP_SHARED, (int)value(f, 0), 0);

    if (at == MAP_FAILED)
        return outcome(-1);
    shared = at;
    return "ok";
}

static const char *do_unmap(struct filer *f)
{
    return outcome(munmap(shared, (size_t)value(f, 0)));
}

static const char *do_poke(struct filer *f)
{
    strcpy(shared + value(f, 0), f->argument[1]);
    return outcome(msync(shared, 4096, MS_SYNC));
}

static const char *do_futex(struct filer *f)
{
    return outcome(syscall(SYS_futex, shared + value(f, 0), FUTEX_WAIT, 1, NULL));
}

static const char *do_peek(struct filer *f)
{
    snprintf(f->text, TEXT, "%.100s", shared + value(f, 0));
    return f->text;
}

/* The monitor reads what is shared: a list of pieces, a path, and what another function is called with. */
static const char *do_lend(struct filer *f)
{
    const char *output;
    size_t length;

    if (writev(STDOUT_FILENO, (const struct iovec *)(const void *)shared, 1) >= 0)
        return "written";
    if (errno != EFAULT || chdir(shared) == 0 || errno != EFAULT)
        return outcome(-1);
    return f->invoke(f->context, "filer", shared, 4096, &output, &length) < 0 ? "refused" : output;
}

static const char *do_protect(struct filer *f)
{
    return outcome(mprotect(shared, 4096, (int)value(f, 0)));
}

static const char *do_msync(struct filer *f)
{
    return outcome(msync((void *)value(f, 0), (size_t)value(f, 1), MS_SYNC));
}

static volatile bool swapping;

/* "folder" is a directory, then a link that leads out of what is granted, and a directory again. */
static void *swap(void *unused)
{
    while (swapping) {
        rename("folder", "kept");
        rename("out", "folder");
        rename("folder", "out");
        rename("kept", "folder");
    }
    return unused;
}

/* What lies only where the link leads. */
static bool reach(void)
{
    struct stat st;
    int fd = open("folder/secret", O_RDWR);
    bool reached = fd >= 0 || stat("folder/secret", &st) == 0 || chmod("folder/secret", 0600) == 0;

    if (fd >= 0)
        close(fd);
    reached |= truncate("folder/secret", 0) == 0 || link("folder/secret", "stolen") == 0;
    return reached || rename("folder/secret", "stolen") == 0 || mkdir("folder/../closed/new", 0700) == 0;
}

/* How often something outside was reached, of so many times; it ends with the first. */
static const char *do_race(struct filer *f)
{
    long n = 0, reached = 0;
    pthread_t thread;

    swapping = true;
    if (pthread_create(&thread, NULL, swap, NULL) != 0)
        return "no thread";
    for (; n < value(f, 0) && !reached; n++)
        reached += reach();
    swapping = false;
    pthread_join(thread, NULL);
    return number(f, reached);
}

static const struct {
    const char *name;
    command *run;
} commands[] = {
    {"map", do_map},
    {"unmap", do_unmap},
    {"poke", do_poke},
    {"futex", do_futex},
    {"peek", do_peek},
    {"protect", do_protect},
    {"lend", do_lend},
    {"msync", do_msync},
    {"fill", do_fill},
    {"fill-at", do_fill_at},
    {"fill-pieces", do_fill_pieces},
    {"seek", do_seek},
    {"ftruncate", do_ftruncate},
    {"allocate", do_allocate},
    {"names", do_names},
    {"left", do_left},
    {"write-race", do_write_race},
    {"lock", do_lock},
    {"lockf", do_lockf},
    {"lock-many", do_lock_many},
    {"dup", do_dup},
    {"race", do_race},
    {"unlink", do_unlink},
    {"rename", do_rename},
    {"symlink", do_symlink},
    {"link", do_link},
    {"link-at", do_link_at},
    {"chmod", do_chmod},
    {"fchmod", do_fchmod},
    {"chown", do_chown},
    {"truncate", do_truncate},
    {"creat", do_creat},
    {"touch", do_touch},
    {"space", do_space},
    {"send", do_send},
    {"copy-range", do_copy_range},
    {"send-to", do_send_to_nowhere},
    {"open", do_open},
    {"close", do_close},
    {"read", do_read},
    {"write", do_write},
    {"stat", do_stat},
    {"access", do_access},
    {"mkdir", do_mkdir},
    {"rmdir", do_rmdir},
    {"chdir", do_chdir},
    {"fchdir", do_fchdir},
    {"getcwd", do_getcwd},
    {"realpath", do_realpath},
};

/* Nightcore's functions read their configuration here, by a path that is relative. */
int faas_init(void)
{
    return getenv("NEEDS") && access(getenv("NEEDS"), R_OK) < 0 ? -1 : 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct filer *f = calloc(1, sizeof(*f));

    *handle = f;
    if (!f)
        return -1;
    f->context = context;
    f->invoke = invoke;
    f->append = append;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    free(handle);
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct filer *f = handle;
    char copy[TEXT], *rest = copy;
    const char *name, *answer = "no such command";

    snprintf(copy, sizeof(copy), "%.*s", (int)length, input);
    name = strsep(&rest, " ");
    for (int i = 0; i < ARGUMENTS; i++)
        f->argument[i] = strsep(&rest, " ");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, name) == 0)
            answer = commands[i].run(f);
    f->append(f->context, answer, strlen(answer));
    return 0;
}
