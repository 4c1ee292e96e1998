/*
 * Two calls of a fresh function (row 37 of the threats): the first leaves a secret wherever a function can, the second
 * looks for it there. It looks at the same places, since it begins as the first did: what it allocates lies where the
 * first one's lay.
 */
#include "worker/test/attack/attack.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define VALUE 0x5e
#define SMALL 1024
#define LARGE (1ul << 20)
#define DEEP  (64ul << 10)

static uint8_t data[4096];
static _Thread_local uint8_t of_thread[256];
static pthread_t thread;

/* Uses a place: fills it, or says whether it is full. */
static int use(volatile uint8_t *at, size_t size, int look)
{
    size_t full = 0;

    for (size_t i = 64; i < size; i++) { /* the allocator has its own at the beginning */
        full += at[i] == VALUE;
        if (!look)
            at[i] = VALUE;
    }
    return full > size / 2;
}

static int use_heap(int look)
{
    uint8_t *at = malloc(SMALL);
    int found = use(at, SMALL, look);

    free(at);
    return found;
}

static int use_large(int look)
{
    static uint8_t *at; /* given back it would be unmapped */

    if (!at)
        at = malloc(LARGE);
    return use(at, LARGE, look);
}

static int __attribute__((noinline)) use_stack(int look)
{
    volatile uint8_t deep[DEEP];

    return use(deep, DEEP, look);
}

static int use_data(int look)
{
    return use(data, sizeof(data), look);
}

static int use_tls(int look)
{
    return use(of_thread, sizeof(of_thread), look);
}

/* Written and closed: what is left is in a buffer that was given back. */
static int use_stream(int look)
{
    char *buffer = malloc(SMALL);
    int found = use((uint8_t *)buffer, SMALL, 1);

    if (!look) {
        FILE *stream = fmemopen(buffer, SMALL, "w");

        for (int i = 0; i < SMALL; i++)
            fputc(VALUE, stream);
        fclose(stream);
    }
    free(buffer);
    return found;
}

static void *arena(void *look)
{
    return (void *)(long)(use_heap(look != NULL) || use_tls(look != NULL) || use_stack(look != NULL));
}

static int use_arena(int look)
{
    void *found = NULL;

    if (pthread_create(&thread, NULL, arena, look ? &thread : NULL) || pthread_join(thread, &found))
        return 0;
    return found != NULL;
}

static int use_environment(int look)
{
    if (!look)
        setenv("SECRET", "^^^^", 1);
    return getenv("SECRET") != NULL;
}

static const struct {
    const char *name;
    int (*use)(int look);
} places[] = {
    {"data", use_data},     {"heap", use_heap},   {"large", use_large},      {"stack", use_stack},
    {"stream", use_stream}, {"arena", use_arena}, {"thread-local", use_tls}, {"environment", use_environment},
};

#define PLACES (sizeof places / sizeof places[0])

static const char *try_plant(struct attacker *a)
{
    (void)a;
    for (size_t i = 0; i < PLACES; i++)
        places[i].use(0);
    return "planted";
}

static const char *try_look(struct attacker *a)
{
    static char found[200];
    size_t length = 0;

    (void)a;
    for (size_t i = 0; i < PLACES; i++)
        if (places[i].use(1))
            length += (size_t)snprintf(found + length, sizeof(found) - length, " %s", places[i].name);
    return length ? attack_say(a, "found%s", found) : "found nothing";
}

const struct attack attacks[] = {{"plant", try_plant}, {"look", try_look}, {0}};
