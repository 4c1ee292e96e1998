/* See probe_host.h. */
#include "worker/test/calls/probe_host.h"
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nw_probe nw_probe;
char nw_probe_folder[32];

void nw_probe_shell(const char *format, ...)
{
    char command[512];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

void nw_probe_folder_make(void)
{
    snprintf(nw_probe_folder, sizeof(nw_probe_folder), "/tmp/nw-probe-XXXXXX");
    assert_non_null(mkdtemp(nw_probe_folder));
}

void nw_probe_folder_remove(void)
{
    nw_probe_shell("rm -rf %s", nw_probe_folder);
}

const char *nw_probe_built(const char *name)
{
    static char path[512];
    const char *build = getenv("NW_BUILD");

    snprintf(path, sizeof(path), "%s/test/worker/%s.so", build ? build : "build", name);
    return path;
}

uint32_t nw_probe_load(const char *name, uint32_t profile, const char *connect, const char *directories)
{
    const struct nw_load l = {.name = name,
                              .so = nw_probe_built(strcmp(name, "memory") == 0 ? "attack/memory" : "probe"),
                              .slots = 2,
                              .timeout_ms = strcmp(name, "memory") == 0 ? 100 : 5000, /* some of its calls wait */
                              .profile = profile,
                              .connect = connect,
                              .directories = directories};
    uint32_t deployment = nw_harness_load(&nw_probe.harness, &l);

    if (!deployment)
        fail_msg("refused: %s", nw_probe.harness.message.text);
    return deployment;
}

void nw_probe_take(char *answer, size_t size)
{
    struct nw_answer a = nw_harness_receive(&nw_probe.harness);

    snprintf(answer, size, "%s%s", a.status == NW_STATUS_OK ? "" : "failed: ", a.data);
    free(a.data);
}

const char *nw_probe_ask(const char *format, ...)
{
    static char answer[1024];
    char command[512];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    nw_harness_send(&nw_probe.harness, nw_probe.deployment, command, strlen(command));
    nw_probe_take(answer, sizeof(answer));
    return answer;
}
