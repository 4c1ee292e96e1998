/* The bytes that were scanned are the bytes that run: every way to change a file, or the image made of it, is tried. */
#include "common/base/atomic.h"
#include "worker/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE   4096
#define SIZE   (2 * PAGE)
#define ROUNDS 300

#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

static const uint8_t wrpkru[] = {0x0f, 0x01, 0xef};

/* A file of two pages of NOPs, the image that was made of it, and a mapping of that as a domain has it. */
struct frozen {
    struct nw_images *images;
    struct nw_image *image;
    int file;
    uint8_t *code;
};

static int acquire(struct frozen *f, struct nw_image **image)
{
    struct nw_image_refusal refusal;

    return nw_images_acquire(f->images, f->file, 0, SIZE, false, image, &refusal);
}

static int set_up(void **state)
{
    char path[] = "/tmp/nightward-frozen-test-XXXXXX";
    struct frozen *f = calloc(1, sizeof *f);
    uint8_t nops[SIZE];

    memset(nops, 0x90, SIZE);
    f->file = mkostemp(path, O_CLOEXEC);
    unlink(path);
    f->images = nw_images_new(4, 1 << 20, NULL);
    if (pwrite(f->file, nops, SIZE, 0) != SIZE || f->images == NULL || acquire(f, &f->image) != 0)
        return -1;
    f->code = mmap(NULL, SIZE, RX, MAP_PRIVATE, f->image->fd, 0);
    *state = f;
    return f->code == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
    struct frozen *f = *state;

    munmap(f->code, SIZE);
    nw_images_release(f->images, f->image);
    nw_images_free(f->images);
    close(f->file);
    free(f);
    return 0;
}

/* Neither what is mapped, nor what would be read anew after the kernel dropped its pages, has changed. */
static void assert_unchanged(const struct frozen *f)
{
    uint8_t *again = mmap(NULL, SIZE, RX, MAP_PRIVATE, f->image->fd, 0);

    assert_true(again != MAP_FAILED);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < SIZE; i++) {
            assert_int_equal(f->code[i], 0x90);
            assert_int_equal(again[i], 0x90);
        }
        assert_int_equal(madvise(f->code, SIZE, MADV_DONTNEED), 0);
    }
    munmap(again, SIZE);
}

static void test_the_file_is_written(void **state)
{
    struct frozen *f = *state;
    uint8_t *shared = mmap(NULL, SIZE, RW, MAP_SHARED, f->file, 0);
    struct iovec part = {(void *)(uintptr_t)wrpkru, sizeof wrpkru};
    char path[64];

    assert_true(shared != MAP_FAILED);
    assert_int_equal(pwrite(f->file, wrpkru, 3, 0), 3);
    assert_unchanged(f);
    memcpy(shared + PAGE - 1, wrpkru, 3);
    assert_int_equal(msync(shared, SIZE, MS_SYNC), 0);
    assert_unchanged(f);
    snprintf(path, sizeof path, "/proc/self/fd/%d", f->file);
    int other = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwritev(other, &part, 1, 100), 3);
    assert_unchanged(f);
    close(other);
    munmap(shared, SIZE);
}

/* What would be SIGBUS, or zeros, in a mapping of the file itself. */
static void test_the_file_is_cut_and_punched(void **state)
{
    struct frozen *f = *state;

    if (fallocate(f->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) == 0)
        assert_unchanged(f);
    assert_int_equal(ftruncate(f->file, 1), 0);
    assert_unchanged(f);
    assert_int_equal(ftruncate(f->file, 0), 0);
    assert_unchanged(f);
    assert_int_equal(ftruncate(f->file, SIZE), 0);
    assert_unchanged(f);
}

/* Opens the image's memfd once more, as its owner may. */
static int open_again(const struct frozen *f, int flags)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", f->image->fd);
    return open(path, flags | O_CLOEXEC);
}

static void test_the_image_is_written(void **state)
{
    struct frozen *f = *state;
    struct iovec part = {(void *)(uintptr_t)wrpkru, sizeof wrpkru};
    off_t from = 0;
    int again = open_again(f, O_RDWR), fds[] = {f->image->fd, again};

    assert_int_equal(pwrite(f->file, wrpkru, 3, 0), 3);
    for (size_t i = 0; i < 2 && fds[i] >= 0; i++) {
        assert_int_equal(pwrite(fds[i], wrpkru, 3, 0), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(pwritev2(fds[i], &part, 1, 0, 0), -1);
        assert_int_equal(lseek(fds[i], 0, SEEK_SET), 0);
        assert_int_equal(sendfile(fds[i], f->file, &from, 3), -1);
        assert_int_equal(ftruncate(fds[i], PAGE), -1);
        assert_int_equal(ftruncate(fds[i], 3 * PAGE), -1);
    }
    close(again);
    assert_int_equal(open_again(f, O_RDWR | O_TRUNC), -1);
    assert_unchanged(f);
}

static void test_the_image_is_punched(void **state)
{
    static const int modes[] = {0,
                                FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_ZERO_RANGE,
                                FALLOC_FL_COLLAPSE_RANGE,
                                FALLOC_FL_INSERT_RANGE};
    struct frozen *f = *state;

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        fallocate(f->image->fd, modes[i], 0, PAGE);
        assert_unchanged(f);
    }
    assert_int_equal(fallocate(f->image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), -1);
    assert_int_equal(errno, EPERM);
}

/* No mapping that writes to the image comes to be, neither at once nor by steps; nor can one take pages out of it. */
static void test_the_image_is_mapped_to_be_written(void **state)
{
    struct frozen *f = *state;
    uint8_t *shared = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, f->image->fd, 0);

    assert_true(mmap(NULL, SIZE, RW, MAP_SHARED, f->image->fd, 0) == MAP_FAILED);
    assert_int_equal(errno, EPERM);
    if (shared != MAP_FAILED) {
        assert_int_equal(mprotect(shared, SIZE, RW), -1);
        assert_int_equal(madvise(shared, SIZE, MADV_REMOVE), -1);
        munmap(shared, SIZE);
    }
    assert_int_equal(madvise(f->code, SIZE, MADV_REMOVE), -1);
    assert_unchanged(f);
}

/* A private mapping that is written to changes for its own holder only; and the monitor gives none that may be. */
static void test_a_private_copy_is_written(void **state)
{
    struct frozen *f = *state;
    uint8_t *copy = mmap(NULL, SIZE, RW, MAP_PRIVATE, f->image->fd, 0);

    assert_true(copy != MAP_FAILED);
    memcpy(copy, wrpkru, 3);
    assert_unchanged(f);
    assert_int_equal(madvise(copy, SIZE, MADV_DONTNEED), 0);
    assert_int_equal(copy[0], 0x90);
    munmap(copy, SIZE);
}

static void test_the_mapping_is_moved_and_grown(void **state)
{
    struct frozen *f = *state;
    uint8_t *room = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(room != MAP_FAILED);
    assert_int_equal(pwrite(f->file, wrpkru, 3, 0), 3);
    f->code = mremap(f->code, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
    assert_ptr_equal(f->code, room);
    assert_unchanged(f);
    assert_int_equal(lseek(f->image->fd, 0, SEEK_END), SIZE);
    munmap(room + SIZE, 2 * PAGE);
}

static void test_the_seals_are_for_ever(void **state)
{
    struct frozen *f = *state;
    int seals = fcntl(f->image->fd, F_GET_SEALS);

    assert_int_equal(fcntl(f->image->fd, F_ADD_SEALS, 0), -1);
    assert_int_equal(fcntl(f->image->fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    assert_int_equal(fcntl(f->image->fd, F_GET_SEALS), seals);
    assert_int_equal(seals & (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
                     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

struct writer {
    int file;
    uint32_t end;
};

/* Puts the instruction there and takes it away, over and over. */
static void *flicker(void *argument)
{
    struct writer *writer = argument;

    while (!nw_load_acquire(&writer->end)) /* stored by the test */
        for (size_t at = PAGE - 2; at < PAGE + 64; at += 7) {
            if (pwrite(writer->file, wrpkru, 3, (off_t)at) != 3 ||
                pwrite(writer->file, "\x90\x90\x90", 3, (off_t)at) != 3)
                return argument;
        }
    return NULL;
}

/* Whatever moment of the file an image is made of, it holds none, and stays as it was. */
static void test_the_file_changes_while_it_is_scanned(void **state)
{
    struct frozen *f = *state;
    struct writer writer = {.file = f->file};
    unsigned int refused = 0, made = 0;
    pthread_t thread;
    void *failed;

    assert_int_equal(pthread_create(&thread, NULL, flicker, &writer), 0);
    for (int i = 0; i < 100 * ROUNDS && (i < ROUNDS || made == 0 || refused == 0); i++) {
        struct nw_image *image;
        uint8_t before[SIZE], after[SIZE];
        if (acquire(f, &image) != 0) {
            refused++;
            continue;
        }
        made++;
        assert_int_equal(pread(image->fd, before, SIZE, 0), SIZE);
        assert_int_equal(nw_scan(before, SIZE, NULL, 0), 0);
        assert_int_equal(pread(image->fd, after, SIZE, 0), SIZE);
        assert_memory_equal(before, after, SIZE);
        nw_images_release(f->images, image);
    }
    nw_store_release(&writer.end, 1u); /* loaded by flicker */
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    print_message("%u made, %u refused\n", made, refused);
    assert_true(made > 0);
    assert_true(refused > 0);
    assert_unchanged(f);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_the_file_is_written),
        CASE(test_the_file_is_cut_and_punched),
        CASE(test_the_image_is_written),
        CASE(test_the_image_is_punched),
        CASE(test_the_image_is_mapped_to_be_written),
        CASE(test_a_private_copy_is_written),
        CASE(test_the_mapping_is_moved_and_grown),
        CASE(test_the_seals_are_for_ever),
        CASE(test_the_file_changes_while_it_is_scanned),
    };
    return cmocka_run_group_tests_name("worker/image_frozen", tests, NULL, NULL);
}
