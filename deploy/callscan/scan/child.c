/* The process that reads one function's files with LLVM. What it finds comes back as bytes, which are not trusted. */
#include "deploy/callscan/scan/child.h"
#include "deploy/callscan/find/find.h"
#include "deploy/callscan/ir/module.h"
#include <errno.h>
#include <fcntl.h>
#include <llvm-c/ErrorHandling.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The one that the answer goes to: LLVM's handler of fatal errors is told nothing. */
static int answer_fd;

static void answer(char kind, const void *bytes, size_t size)
{
    const char *at = bytes;

    if (write(answer_fd, &kind, 1) != 1)
        _exit(1);
    while (size > 0) {
        ssize_t n = write(answer_fd, at, size);
        if (n <= 0)
            _exit(1);
        at += n;
        size -= (size_t)n;
    }
    _exit(0);
}

_Noreturn static void refuse(const char *path, const char *why)
{
    char text[NW_SCAN_WHY_SIZE];

    snprintf(text, sizeof text, "%s: %s", path, why);
    answer(NW_ANSWER_WHY, text, strlen(text));
    _exit(1);
}

static void fatal(const char *reason)
{
    refuse("LLVM gave up", reason);
}

static void limit(int what, rlim_t value)
{
    setrlimit(what, &(struct rlimit){value, value});
}

/* Sanitizers map more than any limit allows. */
static void limit_all(void)
{
#ifndef __SANITIZE_ADDRESS__
    limit(RLIMIT_AS, (rlim_t)4 << 30);
#endif
    limit(RLIMIT_CPU, 60);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    LLVMInstallFatalErrorHandler(fatal);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDERR_FILENO);
    dup2(null, STDOUT_FILENO);
}

static LLVMModuleRef read_all(const struct nw_scanned *scanned, const struct nw_buffer *files)
{
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef whole = NULL;
    char why[NW_SCAN_WHY_SIZE];

    for (unsigned i = 0; i < scanned->n_files; i++) {
        const char *bytes = files[i].data ? files[i].data : "";
        LLVMModuleRef module = nw_module_read(context, scanned->files[i], bytes, files[i].length, why, sizeof why);
        if (!module)
            refuse(scanned->files[i], why);
        if (whole && nw_module_link(whole, module, why, sizeof why) < 0)
            refuse(scanned->files[i], why);
        whole = whole ? whole : module;
    }
    return whole;
}

void nw__child_run(const struct nw_scanned *scanned, const struct nw_buffer *files, int fd)
{
    struct nw_buffer bytes = {0};
    char why[NW_SCAN_WHY_SIZE];

    answer_fd = fd;
    limit_all();
    LLVMModuleRef module = read_all(scanned, files);
    if (nw_module_prepare(module, nw_find_keeps, why, sizeof why) < 0)
        refuse(scanned->files[0], why);
    switch (nw_sites_encode(nw_found_sites(nw_find(module)), &bytes)) {
    case 0:
        answer(NW_ANSWER_SITES, bytes.data, bytes.length);
        break;
    case -E2BIG:
        refuse(scanned->files[0], "it has too many call sites");
    default:
        refuse(scanned->files[0], "there is not enough memory");
    }
    _exit(1);
}
