/* Files and fenced memory for tests, as fixture.h says. */
#include "protect/test/fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint8_t *read_whole(FILE *file, size_t *size)
{
    if (fseek(file, 0, SEEK_END) != 0)
        return NULL;
    long length = ftell(file);
    if (length <= 0 || length == LONG_MAX)
        return NULL;
    rewind(file);
    uint8_t *bytes = malloc((size_t)length);
    if (bytes != NULL && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
        free(bytes);
        return NULL;
    }
    *size = (size_t)length;
    return bytes;
}

uint8_t *fixture_read(const char *name, size_t *size)
{
    char path[PATH_MAX * 2];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);

    if (length < 0)
        return NULL;
    path[length] = '\0';
    if (name[0] == '/')
        snprintf(path, sizeof path, "%s", name);
    else
        snprintf(strrchr(path, '/') + 1, PATH_MAX, "%s", name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return NULL;
    uint8_t *bytes = read_whole(file, size);
    fclose(file);
    return bytes;
}

void fence_init(struct fence *fence, size_t max)
{
    fence->max = (max + 4095) & ~(size_t)4095;
    fence->map = mmap(NULL, fence->max + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fence->map == MAP_FAILED || mprotect(fence->map + fence->max, 4096, PROT_NONE) != 0)
        abort();
}

void fence_fini(struct fence *fence)
{
    munmap(fence->map, fence->max + 4096);
}

uint8_t *fence_end(struct fence *fence, size_t size)
{
    return fence->map + fence->max - size;
}

uint8_t *fence_copy(struct fence *fence, const uint8_t *bytes, size_t size)
{
    return memmove(fence_end(fence, size), bytes, size);
}

uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 7;
}
