/* Starting programs: fork, place file descriptors, confine, exec. The parent learns of failures through a pipe. */
#include "common/host/spawn.h"
#include "common/base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3
#define MAX_FDS  16
/* The pipe to the parent and the program, both gone once that runs. */
#define OWN_FDS 2
/* Above every place that fds are moved to, so that moving one never overwrites another. */
#define SAFE_FD (FIRST_FD + MAX_FDS + OWN_FDS)

enum step { STEP_CONFINED, STEP_PARENT, STEP_CPUS, STEP_STDIO, STEP_FDS, STEP_CONFINE, STEP_EXEC };

static const char *const step_text[] = {
    [STEP_CONFINED] = "none",        [STEP_PARENT] = "tie it to its parent",    [STEP_CPUS] = "place it on its CPUs",
    [STEP_STDIO] = "open /dev/null", [STEP_FDS] = "place its file descriptors", [STEP_CONFINE] = "confine it",
    [STEP_EXEC] = "execute it",
};

/* What the child tells the parent: value is an errno, or for STEP_CONFINED the mask of shortfalls. */
struct note {
    int step;
    int value;
};

static void tell(int pipe_fd, enum step step, int value)
{
    struct note note = {.step = step, .value = value};
    /* With the parent gone there is nobody to tell. */
    if (write(pipe_fd, &note, sizeof note) < 0)
        _exit(127);
}

_Noreturn static void give_up(int pipe_fd, enum step step, int error)
{
    tell(pipe_fd, step, error);
    _exit(127);
}

/* A parent that ended before the prctl sends nothing any more. It alone has the other end of the pipe. */
static int find_parent(int pipe_fd)
{
    struct pollfd p = {.fd = pipe_fd};

    return poll(&p, 1, 0) > 0 && p.revents & POLLERR ? -ESRCH : 0;
}

static void reset_signals(void)
{
    sigset_t none;

    /* signal() refuses the two that glibc uses itself, and make leaves them ignored. */
    static const unsigned long default_action[4];
    for (int i = 1; i < NSIG; i++)
        syscall(SYS_rt_sigaction, i, default_action, NULL, sizeof(uint64_t));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int set_stdio(void)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return -errno;
    return 0;
}

/* Moves the fds to their places and our own behind them; closes everything else. 0 or -errno. */
static int place_fds(const struct nw_spawn *spec, int own[OWN_FDS])
{
    int safe[MAX_FDS + OWN_FDS];
    int n = spec->n_fds;

    for (int i = 0; i < n + OWN_FDS; i++) {
        safe[i] = fcntl(i < n ? spec->fds[i] : own[i - n], F_DUPFD_CLOEXEC, SAFE_FD);
        /* fcntl says EINVAL where the limit of open files is at or below SAFE_FD. */
        if (safe[i] < 0)
            return errno == EINVAL ? -EMFILE : -errno;
    }
    for (int i = 0; i < n; i++)
        if (dup2(safe[i], FIRST_FD + i) < 0)
            return -errno;
    for (int i = 0; i < OWN_FDS; i++) {
        own[i] = FIRST_FD + n + i;
        if (dup3(safe[n + i], own[i], O_CLOEXEC) < 0)
            return -errno;
    }
    return close_range(FIRST_FD + (unsigned)n + OWN_FDS, ~0U, 0) == 0 ? 0 : -errno;
}

/*
 * The time for which the kernel lets it run before it looks whom else: who has less of it waits less for those that
 * have more. It takes no right, and gives no part more of the processor. Linux before 6.12 takes no notice.
 */
static void set_slice(uint32_t us)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes;

    if (!us || syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0)
        return;
    attributes.runtime = us * UINT64_C(1000);
    if (attributes.policy == SCHED_OTHER || attributes.policy == SCHED_BATCH)
        syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/* The program is opened before `confine` may hide its path. */
_Noreturn static void run_child(const struct nw_spawn *spec, int pipe_fd)
{
    int own[OWN_FDS] = {pipe_fd, open(spec->path, O_PATH | O_CLOEXEC)};
    int rc;

    if (own[1] < 0)
        give_up(pipe_fd, STEP_EXEC, errno);
    if (prctl(PR_SET_PDEATHSIG, spec->death_signal) != 0)
        give_up(pipe_fd, STEP_PARENT, errno);
    if (spec->cpus && sched_setaffinity(0, sizeof *spec->cpus, spec->cpus) != 0)
        give_up(pipe_fd, STEP_CPUS, errno);
    set_slice(spec->slice_us);
    setsid();
    reset_signals();
    rc = set_stdio();
    if (rc < 0)
        give_up(pipe_fd, STEP_STDIO, -rc);
    rc = place_fds(spec, own);
    if (rc < 0)
        give_up(pipe_fd, STEP_FDS, -rc);
    pipe_fd = own[0];
    if (spec->confine) {
        rc = spec->confine(spec->confine_arg);
        if (rc < 0)
            give_up(pipe_fd, STEP_CONFINE, -rc);
        tell(pipe_fd, STEP_CONFINED, rc);
    }
    rc = find_parent(pipe_fd);
    if (rc < 0)
        give_up(pipe_fd, STEP_PARENT, -rc);
    syscall(SYS_execveat, own[1], "", spec->argv, spec->envp, AT_EMPTY_PATH, spec->exec_cookie);
    give_up(pipe_fd, STEP_EXEC, errno);
}

/* Reads notes until exec or exit closes the pipe. 0 or the negative errno of the step that failed. */
static int read_notes(int pipe_fd, unsigned *shortfalls, const char **step)
{
    struct note note;
    ssize_t n;

    for (;;) {
        n = read(pipe_fd, &note, sizeof note);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof note)
            return 0;
        if (note.step != STEP_CONFINED) {
            *step = step_text[note.step];
            return -note.value;
        }
        *shortfalls = (unsigned)note.value;
    }
}

static pid_t fork_child(const struct nw_spawn *spec, const int pipe_fds[2])
{
    /* As fork, which knows nothing of namespaces. */
    pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)(spec->namespaces | SIGCHLD), NULL, NULL, NULL, 0L);

    if (pid == 0) {
        close(pipe_fds[0]);
        run_child(spec, pipe_fds[1]);
    }
    return pid < 0 ? -errno : pid;
}

pid_t nw_spawn(const struct nw_spawn *spec, unsigned *shortfalls, const char **step)
{
    int pipe_fds[2];
    pid_t pid;
    int rc;

    *shortfalls = 0;
    *step = "start a process";
    if (spec->n_fds > MAX_FDS)
        return -EINVAL;
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return -errno;
    pid = fork_child(spec, pipe_fds);
    close(pipe_fds[1]);
    rc = pid < 0 ? 0 : read_notes(pipe_fds[0], shortfalls, step);
    close(pipe_fds[0]);
    if (rc == 0)
        return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return rc;
}

void nw_process_close(void)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        nw_die_system("cannot close this process to others: %s", strerror(errno));
}

int nw_program_path(const char *name, char *path, size_t size)
{
    static const char *const beside[] = {"", "../libexec/nightward/"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n < 0)
        return -errno;
    self[n] = '\0';
    *(strrchr(self, '/') + 1) = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        int length = snprintf(path, size, "%s%s%s", self, beside[i], name);
        if (length < 0 || (size_t)length >= size)
            return -ENAMETOOLONG;
        if (access(path, X_OK) == 0)
            return 0;
    }
    return -ENOENT;
}
