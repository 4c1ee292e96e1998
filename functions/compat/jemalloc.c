/* jemalloc in place of malloc: blocks of many sizes from several threads, and what its own statistics say. */
#include "compat.h"
#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <stdlib.h>
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
        blocks[i] = malloc(16 + i * i);
        memset(blocks[i], (int)i, 16 + i * i);
    }
    for (size_t i = 0; i < 200; i++) {
        wrong += blocks[i][15 + i * i] != i;
        free(blocks[i]);
    }
    *(size_t *)arg = wrong;
    return NULL;
}

int compat_call(const char *input, FILE *out)
{
    pthread_t threads[4];
    size_t wrong[4] = {1, 1, 1, 1}, mine = 0, size = sizeof mine;
    void *block = malloc(100000);

    (void)input;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, fill, &wrong[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    /* A size that jemalloc has and glibc has not. */
    mine = malloc_usable_size(block);
    free(block);
    fprintf(out, "%zu wrong, a block of 100000 has %zu, mallctl says %d", wrong[0] + wrong[1] + wrong[2] + wrong[3],
            mine, mallctl("stats.allocated", &mine, &size, NULL, 0));
    return 0;
}
