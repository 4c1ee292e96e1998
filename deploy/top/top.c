/* See top.h. */
#include "deploy/top/top.h"
#include "common/base/clock.h"
#include "deploy/base/say.h"
#include "deploy/client/answer.h"
#include "deploy/client/client.h"
#include "deploy/top/figures.h"
#include "deploy/top/rows.h"
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define CLEAR "\033[H\033[J" /* to the upper left corner, and all behind it away */

struct look {
    struct nw_figures figures;
    uint64_t at; /* ns */
};

static bool look(const struct nw_top *top, struct look *look)
{
    struct nw_request request = {.method = "GET", .path = "/metrics"};
    struct nw_reply reply;
    nw_client_send(top->state, &request, &reply);
    bool good = nw_answer_check(&reply, top->json, "get the metrics");
    look->at = nw_clock_ns();
    if (good && (nw_buffer_append(&reply.body, "", 1) < 0 || !nw_figures_read(&look->figures, reply.body.data)))
        nw_fail(NW_EXIT_SYSTEM, "cannot read the metrics: out of memory");
    nw_reply_fini(&reply);
    return good;
}

static void pause_for(uint64_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0)
        ;
}

/* As many as fit under the heading. */
static size_t rows_that_fit(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 4)
        return SIZE_MAX;
    return size.ws_row - 2u;
}

static void show(const struct nw_top *top, const struct nw_figures *figures, double seconds)
{
    bool screen = !top->once && isatty(STDOUT_FILENO);
    if (top->json) {
        nw__rows_print_json(figures, seconds);
        return;
    }
    if (screen)
        fputs(CLEAR, stdout);
    nw__rows_print(figures, screen ? rows_that_fit() : SIZE_MAX);
}

/* What was counted is kept for the next look, as that of this one becomes rates. */
static int again_and_again(const struct nw_top *top, struct look *before)
{
    for (;;) {
        struct look now = {0}, next = {0};
        pause_for(top->interval_ms);
        if (!look(top, &now))
            return NW_EXIT_REFUSED;
        next.at = now.at;
        if (!nw__figures_copy(&next.figures, &now.figures))
            nw_fail(NW_EXIT_SYSTEM, "cannot keep the metrics: out of memory");
        double seconds = (double)(now.at - before->at) / 1e9;
        nw_figures_between(&now.figures, &before->figures, seconds);
        show(top, &now.figures, seconds);
        nw_figures_free(&now.figures);
        nw_figures_free(&before->figures);
        *before = next;
        if (fflush(stdout) != 0 || top->once)
            return ferror(stdout) ? NW_EXIT_SYSTEM : NW_EXIT_OK;
    }
}

int nw_top_run(const struct nw_top *top)
{
    struct look before = {0};
    if (!look(top, &before))
        return NW_EXIT_REFUSED;
    int status = again_and_again(top, &before);
    nw_figures_free(&before.figures);
    return status;
}
