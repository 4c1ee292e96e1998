/* Remembers from its start what a snapshot has to keep; what it does then and on request is said by its environment
 * and its input. */
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <nightward/function.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#define PAGES  64
#define IMAGES 20
#define LARGE  (8ul << 20)

const char large[LARGE] = {1}; /* so much is in the file at least */

static void *handle;
static faas_append_output_fn_t append;
static faas_invoke_func_fn_t invoke;
static unsigned long drawn;
static unsigned count;
static int mapped;
static char *page, *text;
static int before, after; /* how often the hooks were called */
static _Thread_local unsigned long of_thread;

static void *sleeper(void *unused)
{
    for (;;)
        pause();
    return unused;
}

/* How many parts of its own file could be mapped as code, one after the other. */
static int map_code(void)
{
    const size_t size = LARGE - 2 * IMAGES * 4096;
    int fd = open("/function/keeper", O_RDONLY), n = 0;

    for (int i = 0; fd >= 0 && i < IMAGES; i++) {
        void *code = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (IMAGES + i) * 4096);

        n += code != MAP_FAILED && munmap(code, size) == 0;
    }
    close(fd);
    return n;
}

static void start_as(const char *how)
{
    pthread_t thread;
    const struct itimerval hour = {.it_value.tv_sec = 3600};

    if (strcmp(how, "thread") == 0)
        pthread_create(&thread, NULL, sleeper, NULL);
    if (strcmp(how, "file") == 0 && open("/etc/localtime", O_RDONLY) < 0 && open("/dev/null", O_RDONLY) < 0)
        abort();
    if (strcmp(how, "hidden") == 0 && mprotect(page, 4096, PROT_NONE) < 0)
        abort();
    if (strcmp(how, "large") == 0)
        memset(malloc(8 * LARGE), 1, 8 * LARGE);
    if (strcmp(how, "code") == 0)
        mapped = map_code();
    if (strcmp(how, "timer") == 0) {
        signal(SIGALRM, SIG_IGN);
        setitimer(ITIMER_REAL, &hour, NULL);
    }
}

void nw_before_snapshot(void)
{
    before++;
}

void nw_after_restore(void)
{
    after++;
}

int faas_init(void)
{
    if (getrandom(&drawn, sizeof(drawn), 0) != sizeof(drawn))
        return -1;
    page = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    text = malloc(32);
    if (page == MAP_FAILED || !text)
        return -1;
    memset(page, 'p', PAGES * 4096);
    snprintf(text, 32, "%lx", drawn);
    start_as(getenv("START") ? getenv("START") : "");
    return 0;
}

/* What the function that is called "one" answers. */
static const char *call_one(void *context)
{
    static char answer[64];
    const char *output;
    size_t length;

    if (invoke(context, "one", "", 0, &output, &length))
        return "refused";
    snprintf(answer, sizeof(answer), "%.*s", (int)length, output);
    return answer;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func,
                            faas_append_output_fn_t append_output, void **worker_handle)
{
    const char *start = getenv("START");

    invoke = invoke_func;
    append = append_output;
    if (start && strcmp(start, "call") == 0 && strcmp(call_one(caller_context), "refused") != 0)
        return -1;
    of_thread = drawn;
    *worker_handle = caller_context;
    return 0;
}

static void *in_thread(void *unused)
{
    (void)unused;
    return of_thread == 0 ? (void *)1 : NULL;
}

/* A page of what was written at the start is zero once it is given up, and can be used again. */
static const char *give_up(void)
{
    char *middle = page + 8 * 4096;

    if (madvise(middle, 2 * 4096, MADV_DONTNEED) < 0 || middle[0] || middle[2 * 4096 - 1])
        return "kept";
    middle[1] = 1;
    return page[8 * 4096 - 1] == 'p' && middle[2 * 4096] == 'p' && middle[1] == 1 ? "zero" : "lost";
}

static const char *make_thread(void)
{
    pthread_t thread;
    void *result = NULL;

    if (pthread_create(&thread, NULL, in_thread, NULL) || pthread_join(thread, &result))
        return "none";
    return result ? "own" : "shared";
}

int faas_func_call(void *worker_handle, const char *input, size_t length)
{
    char answer[64];

    handle = worker_handle;
    if (length == 5 && memcmp(input, "crash", 5) == 0)
        *(volatile int *)0 = 0; /* NOLINT: that is what it is for */
    if (length == 6 && memcmp(input, "mapped", 6) == 0)
        snprintf(answer, sizeof(answer), "%d", mapped);
    else if (length == 5 && memcmp(input, "place", 5) == 0)
        snprintf(answer, sizeof(answer), "%lx %lx", (unsigned long)page, getauxval(AT_SYSINFO_EHDR));
    else if (length == 5 && memcmp(input, "hooks", 5) == 0)
        snprintf(answer, sizeof(answer), "%d %d", before, after);
    else if (length == 4 && memcmp(input, "call", 4) == 0)
        snprintf(answer, sizeof(answer), "%s", call_one(handle));
    else if (length == 4 && memcmp(input, "code", 4) == 0)
        snprintf(answer, sizeof(answer), "%d", map_code());
    else if (length == 4 && memcmp(input, "give", 4) == 0)
        snprintf(answer, sizeof(answer), "%s", give_up());
    else if (length == 6 && memcmp(input, "thread", 6) == 0)
        snprintf(answer, sizeof(answer), "%s", make_thread());
    else
        snprintf(answer, sizeof(answer), "%s %d %d %u", text, strtoul(text, NULL, 16) == drawn, of_thread == drawn,
                 ++count);
    append(handle, answer, strlen(answer));
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    (void)worker_handle;
    return 0;
}
