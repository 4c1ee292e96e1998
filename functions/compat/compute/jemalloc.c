/* jemalloc by its own names: blocks of many sizes in several threads, and what its statistics say of them. */
#include "functions/compat/compat.h"
#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <string.h>

int compat_load(void)
{
    return 0;
}

static void *fill(void *arg)
{
    unsigned char *blocks[200];
    size_t wrong = 0;

    for (size_t i = 0; i < 200; i++) {
        blocks[i] = mallocx(16 + i * i, 0);
        memset(blocks[i], (int)i, 16 + i * i);
    }
    for (size_t i = 0; i < 200; i++) {
        wrong += blocks[i][15 + i * i] != i;
        dallocx(blocks[i], 0);
    }
    *(size_t *)arg = wrong;
    return NULL;
}

/* What this thread has got so far. */
static size_t allocated(void)
{
    uint64_t bytes = 0;
    size_t size = sizeof bytes;

    return mallctl("thread.allocated", &bytes, &size, NULL, 0) == 0 ? bytes : 0;
}

int compat_call(const char *input, FILE *out)
{
    pthread_t threads[4];
    size_t wrong[4] = {1, 1, 1, 1}, before = allocated();
    void *block = mallocx(100000, MALLOCX_ALIGN(65536));

    (void)input;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, fill, &wrong[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    fprintf(out, "%zu wrong, %zu off, %zu for 100000, %zu counted", wrong[0] + wrong[1] + wrong[2] + wrong[3],
            (size_t)block % 65536, sallocx(block, 0), allocated() - before);
    dallocx(block, 0);
    return 0;
}
