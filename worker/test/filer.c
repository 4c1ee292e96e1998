/*
 * A function of profile files that does what its input says with files: a command and its arguments, separated by
 * spaces. The answer is the name of the error, or "ok", or what there is to tell. Files that were opened stay open, by
 * number.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGUMENTS 5
#define TEXT      512

struct filer {
    void *context;
    faas_append_output_fn_t append;
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

static const struct {
    const char *name;
    command *run;
} commands[] = {
    {"open", do_open},   {"close", do_close},   {"read", do_read},     {"write", do_write},
    {"stat", do_stat},   {"access", do_access}, {"mkdir", do_mkdir},   {"rmdir", do_rmdir},
    {"chdir", do_chdir}, {"fchdir", do_fchdir}, {"getcwd", do_getcwd}, {"realpath", do_realpath},
};

/* Nightcore's functions read their configuration here, by a path that is relative. */
int faas_init(void)
{
    return getenv("NEEDS") && access(getenv("NEEDS"), R_OK) < 0 ? -1 : 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct filer *f = calloc(1, sizeof(*f));

    (void)invoke;
    *handle = f;
    if (!f)
        return -1;
    f->context = context;
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
