/* Tests of the cache of code images, with files of this machine and files that change under it. */
#include "protect/rewrite/cpuid.h"
#include "worker/image/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"

/* Of Debian 12: a call in it has the bytes of WRPKRU in its distance. */
#define LIBCRYPTO "/lib/x86_64-linux-gnu/libcrypto.so.3"
#define PAGE      4096

static struct nw_image_refusal refusal;

static struct nw_images *new_cache(size_t max_images, size_t max_bytes)
{
    struct nw_images *images = nw_images_new(max_images, max_bytes, NULL);

    assert_non_null(images);
    return images;
}

/* A file that exists only as a descriptor. */
static int temporary_file(const void *bytes, size_t size)
{
    char path[] = "/tmp/nightward-image-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);

    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(pwrite(fd, bytes, size, 0), size);
    return fd;
}

static int open_libc(void)
{
    int fd = open(LIBC, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static int acquire(struct nw_images *images, int fd, uint64_t offset, size_t length, bool patch,
                   struct nw_image **image)
{
    memset(&refusal, 0xee, sizeof refusal);
    return nw_images_acquire(images, fd, offset, length, patch, image, &refusal);
}

static uint8_t *map_image(const struct nw_image *image)
{
    uint8_t *code = mmap(NULL, image->size, PROT_READ | PROT_EXEC, MAP_PRIVATE, image->fd, 0);

    assert_true(code != MAP_FAILED);
    return code;
}

/* The executable segment of a library: the whole pages that a loader would map. */
static size_t library_code(int fd, uint64_t *offset)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;

    assert_int_equal(pread(fd, &header, sizeof header, 0), sizeof header);
    for (int i = 0; i < header.e_phnum; i++) {
        off_t at = (off_t)(header.e_phoff + (size_t)i * sizeof segment);
        assert_int_equal(pread(fd, &segment, sizeof segment, at), sizeof segment);
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X)) {
            *offset = segment.p_offset;
            return segment.p_filesz;
        }
    }
    fail();
    return 0;
}

static void test_image_is_the_bytes_and_runs(void **state)
{
    static const uint8_t code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
    struct nw_images *images = new_cache(4, 1 << 20);
    uint8_t bytes[2 * PAGE + 6] = {0};
    struct nw_image *image;
    (void)state;

    bytes[PAGE] = 0x77;
    memcpy(bytes + 2 * PAGE, code, sizeof code);
    int fd = temporary_file(bytes, sizeof bytes);
    assert_int_equal(acquire(images, fd, PAGE, 10 * PAGE, false, &image), 0);
    assert_int_equal(image->size, 2 * PAGE);
    uint8_t *map = map_image(image);
    assert_memory_equal(map, bytes + PAGE, PAGE + 6);
    for (size_t i = PAGE + 6; i < 2 * PAGE; i++)
        assert_int_equal(map[i], 0);
    int (*function)(void) = (int (*)(void))(uintptr_t)(map + PAGE);
    assert_int_equal(function(), 42);
    munmap(map, image->size);
    nw_images_release(images, image);
    close(fd);
    nw_images_free(images);
}

static void test_later_writes_change_nothing(void **state)
{
    struct nw_images *images = new_cache(4, 1 << 20);
    uint8_t bytes[PAGE], seen;
    struct nw_image *image, *second;
    (void)state;

    memset(bytes, 0x90, sizeof bytes);
    int fd = temporary_file(bytes, sizeof bytes);
    assert_int_equal(acquire(images, fd, 0, PAGE, false, &image), 0);
    uint8_t *map = map_image(image);
    assert_int_equal(pwrite(fd, "\xcc", 1, 5), 1);
    assert_int_equal(map[5], 0x90);
    assert_int_equal(acquire(images, fd, 0, PAGE, false, &second), 0);
    assert_int_equal(pread(second->fd, &seen, 1, 5), 1);
    assert_int_equal(seen, 0xcc);
    assert_int_equal(pread(image->fd, &seen, 1, 5), 1);
    assert_int_equal(seen, 0x90);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(map[5], 0x90);
    munmap(map, image->size);
    nw_images_release(images, image);
    nw_images_release(images, second);
    close(fd);
    nw_images_free(images);
}

static int find(struct nw_images *images, int fd, struct nw_image **image)
{
    struct stat file;

    assert_int_equal(fstat(fd, &file), 0);
    return nw_images_find(images, &file, 0, PAGE, false, image);
}

/* A file that changed a moment ago may change again without its times showing it; one that is sealed will not. */
static void test_only_what_cannot_change_is_cached_at_once(void **state)
{
    const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    struct nw_images *images = nw_images_new(16, 1 << 20, NULL);
    struct nw_image *image;
    uint8_t bytes[PAGE];
    int fd = memfd_create("program", MFD_ALLOW_SEALING);

    (void)state;
    memset(bytes, 0x90, sizeof bytes);
    assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(acquire(images, fd, 0, PAGE, false, &image), 0);
    nw_images_release(images, image);
    assert_int_equal(find(images, fd, &image), -ENOENT);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    assert_int_equal(acquire(images, fd, 0, PAGE, false, &image), 0);
    nw_images_release(images, image);
    assert_int_equal(find(images, fd, &image), 0);
    nw_images_release(images, image);
    close(fd);
    nw_images_free(images);
}

static void test_image_is_sealed(void **state)
{
    struct nw_images *images = new_cache(4, 1 << 20);
    int fd = temporary_file("\x90", 1);
    struct nw_image *image;
    (void)state;

    assert_int_equal(acquire(images, fd, 0, PAGE, false, &image), 0);
    int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    assert_int_equal(fcntl(image->fd, F_GET_SEALS) & all, all);
    assert_int_equal(pwrite(image->fd, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(image->fd, 0), -1);
    assert_int_equal(ftruncate(image->fd, 2 * PAGE), -1);
    assert_true(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, image->fd, 0) == MAP_FAILED);
    assert_int_equal(fcntl(image->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    nw_images_release(images, image);
    close(fd);
    nw_images_free(images);
}

static void test_forbidden_instruction_is_refused_or_patched(void **state)
{
    struct nw_images *images = new_cache(4, 1 << 20);
    uint8_t bytes[2 * PAGE], expected[PAGE];
    struct nw_image *image;
    (void)state;

    memset(bytes, 0x90, sizeof bytes);
    for (int i = 0; i < 100; i++) /* more than one scan's worth */
        memcpy(bytes + PAGE + 0x139 + 5 * i, "\x0f\x01\xef", 3);
    memcpy(expected, bytes + PAGE, PAGE);
    for (int i = 0; i < 100; i++)
        memset(expected + 0x139 + 5 * i, 0xcc, 3);
    int fd = temporary_file(bytes, sizeof bytes);
    assert_int_equal(acquire(images, fd, PAGE, PAGE, false, &image), -EPERM);
    assert_int_equal(refusal.file_offset, 0x1139);
    assert_int_equal(refusal.kind, NW_SCAN_WRPKRU);
    assert_string_equal(refusal.symbol, "");
    assert_int_equal(acquire(images, fd, 0, PAGE, false, &image), 0);
    nw_images_release(images, image);

    assert_int_equal(acquire(images, fd, PAGE, PAGE, true, &image), 0);
    assert_int_equal(image->patched, 100);
    uint8_t *map = map_image(image);
    assert_memory_equal(map, expected, PAGE);
    munmap(map, PAGE);
    nw_images_release(images, image);
    close(fd);
    nw_images_free(images);
}

static void test_last_bytes_before_the_end_of_file(void **state)
{
    struct nw_images *images = new_cache(4, 1 << 20);
    uint8_t bytes[PAGE + 3];
    struct nw_image *image;
    (void)state;

    memset(bytes, 0x90, sizeof bytes);
    memcpy(bytes + PAGE, "\x0f\x01\xef", 3);
    int fd = temporary_file(bytes, sizeof bytes);
    assert_int_equal(acquire(images, fd, 0, 3 * PAGE, false, &image), -EPERM);
    assert_int_equal(refusal.file_offset, PAGE);
    assert_int_equal(acquire(images, fd, 0, PAGE, false, &image), 0);
    nw_images_release(images, image);
    close(fd);
    nw_images_free(images);
}

static void test_bad_requests(void **state)
{
    struct nw_images *images = new_cache(4, 1 << 20);
    int fd = temporary_file("abc", 3), pipes[2];
    struct nw_image *image;
    (void)state;

    assert_int_equal(acquire(images, fd, 0, 0, false, &image), -EINVAL);
    assert_int_equal(acquire(images, fd, 1, PAGE, false, &image), -EINVAL);
    assert_int_equal(acquire(images, fd, PAGE, PAGE, false, &image), -EINVAL);
    assert_int_equal(acquire(images, fd, (uint64_t)1 << 63, PAGE, false, &image), -EINVAL);
    assert_int_equal(acquire(images, fd, -(uint64_t)PAGE, 2 * PAGE, false, &image), -EINVAL);
    assert_int_equal(acquire(images, fd, 0, SIZE_MAX, false, &image), -EINVAL);
    assert_int_equal(acquire(images, -1, 0, PAGE, false, &image), -EBADF);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(acquire(images, pipes[0], 0, PAGE, false, &image), -EACCES);
    assert_int_equal(ftruncate(fd, (off_t)(NW_IMAGE_SIZE_MAX + PAGE)), 0);
    assert_int_equal(acquire(images, fd, 0, NW_IMAGE_SIZE_MAX + 1, false, &image), -EFBIG);
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
    nw_images_free(images);
}

static void test_system_library_is_patched_and_shared(void **state)
{
    struct nw_images *images = new_cache(4, 64 << 20);
    struct nw_image *image, *again;
    struct nw_images_stats stats;
    uint64_t offset = 0;
    int fd = open_libc(), other = open_libc();
    size_t size = library_code(fd, &offset);
    (void)state;

    assert_int_equal(acquire(images, fd, offset, size, false, &image), -EPERM);
    assert_int_equal(refusal.kind, NW_SCAN_WRPKRU);
    assert_string_equal(refusal.symbol, "pkey_set");
    assert_int_equal(acquire(images, fd, offset, size, true, &image), 0);
    assert_true(image->patched > 0);
    uint8_t *map = map_image(image);
    assert_int_equal(nw_scan(map, image->size, NULL, 0), 0);
    munmap(map, image->size);
    assert_int_equal(acquire(images, other, offset, size, true, &again), 0);
    assert_ptr_equal(again, image);
    nw_images_release(images, image);
    nw_images_release(images, again);
    /* What was patched must never be given to someone who wants it refused. */
    assert_int_equal(acquire(images, fd, offset, size, false, &image), -EPERM);
    nw_images_stats(images, &stats);
    assert_int_equal(stats.hits, 1);
    assert_int_equal(stats.images, 1);
    close(fd);
    close(other);
    nw_images_free(images);
}

static bool any_number(uint32_t number)
{
    (void)number;
    return true;
}

static void test_system_calls_of_the_libc_are_shortened(void **state)
{
    static const struct nw_shortcut_gate gate = {.address = 0x7f0000001000, .operation = 1, .wanted = any_number};
    struct nw_images *images = nw_images_new(4, 64 << 20, &gate);
    struct nw_image *image;
    uint64_t offset = 0;
    int fd = open_libc();
    size_t size = library_code(fd, &offset);
    (void)state;

    assert_non_null(images);
    assert_int_equal(acquire(images, fd, offset, size, true, &image), 0);
    assert_true(image->shortened > 100);
    assert_int_equal(image->answered, 0);
    nw_images_release(images, image);
    nw_images_free(images);
    close(fd);
}

static void test_the_loader_finds_what_the_processor_says(void **state)
{
    static const struct nw_shortcut_gate gate = {.address = 0x7f0000001000, .operation = 1, .wanted = any_number};
    struct nw_cpuid_answer answers[NW_CPUID_ANSWERS_MAX];
    struct nw_images *images = nw_images_new(4, 64 << 20, &gate);
    struct nw_image *image;
    uint64_t offset = 0;
    int fd = open("/lib64/ld-linux-x86-64.so.2", O_RDONLY | O_CLOEXEC);
    (void)state;

    assert_true(fd >= 0);
    assert_non_null(images);
    size_t size = library_code(fd, &offset);
    assert_int_equal(acquire(images, fd, offset, size, true, &image), 0);
    assert_true((image->answered > 0) == (nw_cpuid_ask(answers) > 0));
    nw_images_release(images, image);
    nw_images_free(images);
    close(fd);
}

static void test_sequence_by_accident_is_taken_out(void **state)
{
    struct nw_images *images = new_cache(4, 64 << 20);
    struct nw_image *image;
    uint64_t offset = 0;
    int fd = open(LIBCRYPTO, O_RDONLY | O_CLOEXEC);
    (void)state;

    assert_true(fd >= 0);
    size_t size = library_code(fd, &offset);
    uint8_t *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, (off_t)offset);
    assert_true(file != MAP_FAILED);
    size_t hits = nw_scan(file, size, NULL, 0);
    munmap(file, size);
    assert_int_equal(acquire(images, fd, offset, size, false, &image), 0);
    assert_int_equal(image->rewritten, hits);
    assert_int_equal(image->patched, 0);
    uint8_t *code = map_image(image);
    assert_int_equal(nw_scan(code, image->size, NULL, 0), 0);
    munmap(code, image->size);
    nw_images_release(images, image);
    close(fd);
    nw_images_free(images);
    if (hits == 0) {
        print_message("this libcrypto holds no forbidden sequence\n");
        skip();
    }
}

static void test_a_file_in_flux_is_not_cached(void **state)
{
    struct nw_images *images = new_cache(4, 1 << 20);
    int fd = temporary_file("abc", 3);
    struct nw_image *image;
    struct nw_images_stats stats;
    (void)state;

    assert_int_equal(acquire(images, fd, 0, PAGE, false, &image), 0);
    nw_images_stats(images, &stats);
    assert_int_equal(stats.images, 0);
    int memfd = image->fd;
    nw_images_release(images, image);
    assert_int_equal(fcntl(memfd, F_GETFD), -1);
    close(fd);
    nw_images_free(images);
}

/* The page of libc with that number, as an image. */
static struct nw_image *libc_page(struct nw_images *images, int fd, unsigned int page)
{
    struct nw_image *image;

    assert_int_equal(acquire(images, fd, (uint64_t)page * PAGE, PAGE, true, &image), 0);
    return image;
}

static void test_least_recently_used_goes_first(void **state)
{
    struct nw_images *images = new_cache(3, 1 << 20);
    struct nw_images_stats before, after;
    int fd = open_libc();
    (void)state;

    static const unsigned int pages[] = {1, 2, 3, 1, 4};
    for (size_t i = 0; i < 5; i++)
        nw_images_release(images, libc_page(images, fd, pages[i]));
    nw_images_stats(images, &before);
    assert_int_equal(before.images, 3);
    assert_int_equal(before.bytes, 3 * PAGE);
    nw_images_release(images, libc_page(images, fd, 1));
    nw_images_release(images, libc_page(images, fd, 3));
    nw_images_release(images, libc_page(images, fd, 4));
    nw_images_stats(images, &after);
    assert_int_equal(after.hits, before.hits + 3);
    nw_images_release(images, libc_page(images, fd, 2));
    nw_images_stats(images, &after);
    assert_int_equal(after.hits, before.hits + 3);
    close(fd);
    nw_images_free(images);
}

static void test_bytes_are_bounded_too(void **state)
{
    struct nw_images *images = new_cache(100, 2 * PAGE);
    struct nw_images_stats stats;
    struct nw_image *image;
    int fd = open_libc();
    (void)state;

    for (unsigned int page = 0; page < 5; page++)
        nw_images_release(images, libc_page(images, fd, page));
    nw_images_stats(images, &stats);
    assert_int_equal(stats.bytes, 2 * PAGE);
    assert_int_equal(acquire(images, fd, 0, 3 * PAGE, true, &image), 0);
    nw_images_release(images, image);
    nw_images_stats(images, &stats);
    assert_int_equal(stats.images, 2);
    close(fd);
    nw_images_free(images);
}

static void test_image_in_use_outlives_its_place(void **state)
{
    struct nw_images *images = new_cache(1, 1 << 20);
    int fd = open_libc();
    uint8_t byte;
    (void)state;

    struct nw_image *image = libc_page(images, fd, 0);
    nw_images_release(images, libc_page(images, fd, 1));
    assert_int_equal(pread(image->fd, &byte, 1, 0), 1);
    assert_int_equal(byte, ELFMAG0);
    int memfd = image->fd;
    nw_images_release(images, image);
    assert_int_equal(fcntl(memfd, F_GETFD), -1);
    close(fd);
    nw_images_free(images);
}

struct crowd {
    struct nw_images *images;
    int fd;
    unsigned int seed;
    unsigned int wrong;
};

static void *acquire_many(void *argument)
{
    struct crowd *crowd = argument;

    for (int i = 0; i < 2000; i++) {
        unsigned int page = (unsigned int)rand_r(&crowd->seed) % 6;
        struct nw_image *image;
        struct nw_image_refusal why;
        uint8_t ours[64], theirs[64];
        if (nw_images_acquire(crowd->images, crowd->fd, (uint64_t)page * PAGE, PAGE, true, &image, &why) != 0) {
            crowd->wrong++;
            continue;
        }
        if (pread(image->fd, ours, 64, 0) != 64 || pread(crowd->fd, theirs, 64, page * PAGE) != 64 ||
            memcmp(ours, theirs, 64) != 0)
            crowd->wrong++;
        nw_images_release(crowd->images, image);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct nw_images *images = new_cache(3, 1 << 20);
    struct nw_images_stats stats;
    struct crowd crowds[4];
    pthread_t threads[4];
    int fd = open_libc();
    (void)state;

    for (unsigned int i = 0; i < 4; i++) {
        crowds[i] = (struct crowd){.images = images, .fd = fd, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, acquire_many, &crowds[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crowds[i].wrong, 0);
    }
    nw_images_stats(images, &stats);
    assert_int_equal(stats.images, 3);
    assert_int_equal(stats.hits + stats.misses, 4 * 2000);
    close(fd);
    nw_images_free(images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_is_the_bytes_and_runs),
        cmocka_unit_test(test_later_writes_change_nothing),
        cmocka_unit_test(test_only_what_cannot_change_is_cached_at_once),
        cmocka_unit_test(test_image_is_sealed),
        cmocka_unit_test(test_forbidden_instruction_is_refused_or_patched),
        cmocka_unit_test(test_last_bytes_before_the_end_of_file),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_system_library_is_patched_and_shared),
        cmocka_unit_test(test_system_calls_of_the_libc_are_shortened),
        cmocka_unit_test(test_the_loader_finds_what_the_processor_says),
        cmocka_unit_test(test_sequence_by_accident_is_taken_out),
        cmocka_unit_test(test_a_file_in_flux_is_not_cached),
        cmocka_unit_test(test_least_recently_used_goes_first),
        cmocka_unit_test(test_bytes_are_bounded_too),
        cmocka_unit_test(test_image_in_use_outlives_its_place),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("worker/image", tests, NULL, NULL);
}
