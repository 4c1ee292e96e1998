/* See errand.h. */
#include "deploy/host/errand.h"
#include "common/host/error_text.h"
#include "common/host/spawn.h"
#include "deploy/base/say.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

void nw__errand_begin(struct nw_errand *errand)
{
    char text[NW_ERROR_TEXT];
    unsigned shortfalls;
    const char *step;
    pid_t pid;

    if (!errand->argv || errand->done || errand->pid)
        return;
    const struct nw_spawn spec = {
        .path = errand->argv[0], .argv = errand->argv, .envp = environ, .death_signal = SIGKILL};
    pid = nw_spawn(&spec, &shortfalls, &step);
    if (pid < 0)
        nw_complain("cannot start %s to deploy functions: cannot %s: %s", errand->argv[0], step,
                    nw_error_text(-pid, text));
    else
        errand->pid = pid;
}

/* It has said itself what was wrong. Status 111 and a signal are no answer of the engine. */
void nw__errand_reap(struct nw_errand *errand)
{
    int status;

    if (!errand->pid || waitpid(errand->pid, &status, WNOHANG) != errand->pid)
        return;
    errand->pid = 0;
    if (errand->done) /* the host stops */
        return;
    errand->done = WIFEXITED(status) && WEXITSTATUS(status) != NW_EXIT_SYSTEM;
    if (!errand->done || WEXITSTATUS(status) != NW_EXIT_OK)
        nw_complain("not all functions are deployed that --func-config names");
}

void nw__errand_stop(struct nw_errand *errand)
{
    errand->done = true;
    if (errand->pid)
        kill(errand->pid, SIGKILL);
}
