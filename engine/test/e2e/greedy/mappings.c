/* Mappings of files: each costs the kernel one of a number that all of a process share. */
#include "engine/test/e2e/greedy/greedy.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define OFFSETS 400 /* of images, in pages */

static uint64_t wanted, made, image_mib;

/* The file that an address was loaded from. */
static int open_file_of(const void *address)
{
    Dl_info info;

    return dladdr(address, &info) ? open(info.dli_fname, O_RDONLY | O_CLOEXEC) : -1;
}

static char *reserve(int fd)
{
    char *base = mmap(NULL, wanted * GREEDY_PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

    return base == MAP_FAILED ? NULL : base;
}

/* The same page of the file at every place, so that no two are one mapping. */
static bool map_next(char *base, int fd)
{
    if (mmap(base + made * GREEDY_PAGE, GREEDY_PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
        return false;
    made++;
    return true;
}

const char *greedy_mappings(struct attacker *a)
{
    int fd = open_file_of(greedy_mappings);

    wanted = a->arg[0];
    char *base = reserve(fd);
    while (base && made < wanted && map_next(base, fd))
        ;
    return attack_say(a, "%lu mappings, %s", made, made < wanted ? strerrorname_np(errno) : "no end");
}

static void *refill(void *base)
{
    int fd = open_file_of(greedy_mappings);

    for (;;)
        if (made < wanted)
            map_next(base, fd);
    return NULL;
}

const char *greedy_refill(struct attacker *a)
{
    int fd = open_file_of(greedy_mappings);

    wanted = a->arg[0];
    char *base = reserve(fd);
    return base ? greedy_start(a, 1, refill, base) : attack_outcome(a, -1);
}

/* Every offset with every length is an image of its own. */
static void *map_images(void *unused)
{
    struct stat st = {0};
    int fd = open_file_of(strlen);
    uint64_t bytes = 0;

    fstat(fd, &st);
    size_t pages = (size_t)st.st_size / GREEDY_PAGE;
    for (size_t offset = 0; offset < OFFSETS; offset++)
        for (size_t n = pages - offset; n > pages / 2; n--) {
            void *image =
                mmap(NULL, n * GREEDY_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)(offset * GREEDY_PAGE));
            if ((image == MAP_FAILED && errno == ENOMEM) || bytes >> 20 >= image_mib)
                return unused;
            bytes += image == MAP_FAILED ? 0 : n * GREEDY_PAGE;
        }
    return unused;
}

const char *greedy_images(struct attacker *a)
{
    image_mib = a->arg[0];
    return greedy_start(a, 1, map_images, NULL);
}

/* The file "code" is a large one of zeros with the head of an ELF file. */
static void *map_code(void *unused)
{
    int fd = greedy_open("code");

    for (;;) {
        void *page = mmap(NULL, GREEDY_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, GREEDY_PAGE);
        if (page != MAP_FAILED)
            munmap(page, GREEDY_PAGE);
    }
    return unused;
}

const char *greedy_map_code(struct attacker *a)
{
    return greedy_start(a, a->arg[0], map_code, NULL);
}
