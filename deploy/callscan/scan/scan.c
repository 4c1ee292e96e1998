/* See scan.h: the side that does not use LLVM. */
#include "deploy/callscan/scan/scan.h"
#include "deploy/base/say.h"
#include "deploy/callscan/scan/child.h"
#include "deploy/file/file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int read_answer(int fd, struct nw_buffer *answer)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || answer->length + (size_t)n > NW_SITES_SIZE_MAX + 1)
            return -EINVAL;
        if (nw_buffer_append(answer, piece, (size_t)n) < 0)
            return -ENOMEM;
    }
    return 0;
}

static void describe_end(int status, char *why, size_t why_size)
{
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        snprintf(why, why_size, "it takes too much time or memory: at most 60 s and 4 GiB");
    else if (WIFSIGNALED(status))
        snprintf(why, why_size, "LLVM 14 ended over it with signal %d (%s): the file is damaged", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(why, why_size, "LLVM 14 ended over it with status %d: the file is damaged", WEXITSTATUS(status));
}

static int take_answer(struct nw_scanned *scanned, const struct nw_buffer *answer, char *why, size_t why_size)
{
    if (answer->data[0] == NW_ANSWER_WHY) {
        snprintf(why, why_size, "%.*s", (int)answer->length - 1, answer->data + 1);
        return -EINVAL;
    }
    if (answer->data[0] == NW_ANSWER_SITES)
        return nw_sites_decode(answer->data + 1, answer->length - 1, &scanned->sites, why, why_size);
    snprintf(why, why_size, "the process that reads it answered nonsense");
    return -EINVAL;
}

static int run(struct nw_scanned *scanned, const struct nw_buffer *files, char *why, size_t why_size)
{
    struct nw_buffer answer = {0};
    int fds[2], status = 0, rc;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot start a process to read %s: %s", scanned->files[0], strerror(errno));
    if (pid == 0) {
        close(fds[0]);
        nw__child_run(scanned, files, fds[1]);
    }
    close(fds[1]);
    rc = read_answer(fds[0], &answer);
    if (rc < 0)
        kill(pid, SIGKILL);
    close(fds[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (rc == 0 && status == 0 && answer.length > 0) {
        rc = take_answer(scanned, &answer, why, why_size);
    } else {
        describe_end(status, why, why_size);
        rc = -EINVAL;
    }
    nw_buffer_fini(&answer);
    return rc;
}

int nw_scan(struct nw_scanned *scanned, char *why, size_t why_size)
{
    struct nw_buffer files[NW_SCAN_FILES_MAX] = {0};
    int rc;

    for (unsigned i = 0; i < scanned->n_files; i++)
        nw_file_read(scanned->files[i], &files[i]);
    rc = scanned->n_files == 1 ? nw_sites_read(files[0].data, files[0].length, &scanned->sites, why, why_size) : 0;
    if (rc == 0)
        rc = run(scanned, files, why, why_size);
    for (unsigned i = 0; i < scanned->n_files; i++)
        nw_buffer_fini(&files[i]);
    return rc < 0 ? rc : 0;
}
