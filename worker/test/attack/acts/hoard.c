/*
 * Attacks that take what others need, or keep the monitor busy (rows 33 and 34); and the neighbour that must not feel
 * it: it maps memory, starts a thread, crashes when it is asked to.
 */
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE        4096ul
#define MIB         (1ul << 20)
#define PAGES_MOST  70000ul
#define THREADS_MAX 8
#define RW          (PROT_READ | PROT_WRITE)

static void *map(size_t length, int prot)
{
    return mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* ---- the neighbour ---- */

static void *nothing(void *unused)
{
    return unused;
}

static const char *try_serve(struct attacker *a)
{
    uint8_t *memory = map(MIB, RW);
    pthread_t thread;

    if (memory == MAP_FAILED)
        return attack_outcome(a, -1);
    memory[PAGE] = 1;
    munmap(memory, MIB);
    if ((errno = pthread_create(&thread, NULL, nothing, NULL)) != 0)
        return attack_outcome(a, -1);
    pthread_join(thread, NULL);
    return "served";
}

static const char *try_crash(struct attacker *a)
{
    (void)a;
    abort();
}

/* ---- mappings ---- */

/* Each is one of the kernel's, since none continues the one before it in the file. */
static const char *try_file_pages(struct attacker *a)
{
    int fd = open("/function/hoard", O_RDONLY);
    uint8_t *at = map(PAGES_MOST * PAGE, PROT_NONE);
    unsigned long made = 0;

    if (fd < 0 || at == MAP_FAILED)
        return attack_outcome(a, -1);
    while (made < PAGES_MOST && mmap(at + made * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED)
        made++;
    return attack_say(a, "%s pages", made < 100 ? "few" : made < 4096 ? "some" : "many");
}

/* ---- images of code ---- */

/* Much code, of which many parts are asked for. */
__asm__(".text; .p2align 12; code: .fill 2 << 20, 1, 0x90; ret; .p2align 12");
extern const uint8_t code[];
#define CODE_PAGES 512ul
#define PARTS      200ul

/* Where in the function's file an address of its code is. */
static off_t code_offset(int fd)
{
    static uint8_t page[PAGE];

    for (off_t at = 0; pread(fd, page, PAGE, at) == (ssize_t)PAGE; at += (off_t)PAGE)
        if (memcmp(page, code, PAGE) == 0)
            return at;
    return -1;
}

/* Each part is an image of its own, which stays as long as one page of it is mapped. */
static const char *try_code_parts(struct attacker *a)
{
    int fd = open("/function/hoard", O_RDONLY);
    off_t offset = code_offset(fd);

    for (unsigned long i = 0; i < PARTS; i++) {
        uint8_t *at = mmap(NULL, (CODE_PAGES - i) * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, offset);

        if (at == MAP_FAILED)
            return attack_outcome(a, -1);
        munmap(at + PAGE, (CODE_PAGES - i - 1) * PAGE);
    }
    return "all parts";
}

/* One page of a large file, which holds what is not allowed: what is known of the file has to be looked at. */
static void *map_page(void *unused)
{
    int fd = open("/tmp/nightward-hoard/elf", O_RDONLY);

    for (int i = 0; i < 20; i++)
        mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, PAGE);
    close(fd);
    return unused;
}

static const char *try_code_page(struct attacker *a)
{
    pthread_t threads[THREADS_MAX];

    for (unsigned i = 0; i < THREADS_MAX; i++)
        if (pthread_create(&threads[i], NULL, map_page, NULL) != 0)
            return attack_outcome(a, -1);
    for (unsigned i = 0; i < THREADS_MAX; i++)
        pthread_join(threads[i], NULL);
    return "done";
}

/* ---- long work ---- */

struct work {
    pthread_barrier_t all;
    size_t length;
    void (*todo)(uint8_t *memory, size_t length);
};

static void *worker(void *argument)
{
    struct work *w = argument;
    uint8_t *memory = map(w->length + PAGE, RW);

    if (memory == MAP_FAILED)
        abort();
    munmap(memory + w->length, PAGE);
    for (size_t i = 0; i < w->length; i += PAGE)
        memory[i] = 1;
    pthread_barrier_wait(&w->all);
    w->todo(memory, w->length);
    return NULL;
}

/* The first argument is how many MiB each thread fills, the second how many threads do that. */
static const char *work(struct attacker *a, void (*todo)(uint8_t *memory, size_t length))
{
    struct work w = {.length = a->arg[1] * MIB, .todo = todo};
    pthread_t threads[THREADS_MAX];
    unsigned n = a->arg[2] < THREADS_MAX ? (unsigned)a->arg[2] : THREADS_MAX;

    pthread_barrier_init(&w.all, NULL, n);
    for (unsigned i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, worker, &w) != 0)
            return "no thread";
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return "done";
}

/* What lies behind it is taken, so it cannot grow where it is. */
static void move(uint8_t *memory, size_t length)
{
    mmap(memory + length, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memory = mremap(memory, length, length + PAGE, MREMAP_MAYMOVE);
    if (memory != MAP_FAILED)
        munmap(memory, length + PAGE);
}

static const char *try_move(struct attacker *a)
{
    return work(a, move);
}

static void unmap(uint8_t *memory, size_t length)
{
    munmap(memory, length);
}

static const char *try_unmap(struct attacker *a)
{
    return work(a, unmap);
}

static void drop(uint8_t *memory, size_t length)
{
    madvise(memory, length, MADV_DONTNEED);
    munmap(memory, length);
}

static const char *try_drop(struct attacker *a)
{
    return work(a, drop);
}

static void replace(uint8_t *memory, size_t length)
{
    mmap(memory, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    munmap(memory, length);
}

static const char *try_replace(struct attacker *a)
{
    return work(a, replace);
}

static void stay(uint8_t *memory, size_t length)
{
    (void)memory;
    (void)length;
}

static const char *try_fill_and_crash(struct attacker *a)
{
    work(a, stay);
    abort();
}

const struct attack attacks[] = {
    {"serve", try_serve},
    {"crash", try_crash},
    {"file-pages", try_file_pages},
    {"code-parts", try_code_parts},
    {"code-page", try_code_page},
    {"move", try_move},
    {"unmap", try_unmap},
    {"drop", try_drop},
    {"replace", try_replace},
    {"fill-and-crash", try_fill_and_crash},
    {0},
};
