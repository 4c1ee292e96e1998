/*
 * Code on its way to becoming executable: the input as a file, of which parts are asked for as a domain could. What
 * comes back is sealed, at most as long as asked for, free of hits, and the file's bytes but for what was taken out.
 */
#include "common/test/fuzz.h"
#include "worker/image/image.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ASKS 4
#define PAGE 4096ul

static bool any(uint32_t number)
{
    (void)number;
    return true;
}

static const struct nw_shortcut_gate gate = {.address = 0x123456789000, .operation = 7, .wanted = any};

static void check_image(const struct nw_image *image, size_t length)
{
    uint8_t *bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, image->fd, 0);
    NW_FUZZ_CHECK(bytes != MAP_FAILED && image->size % PAGE == 0 && image->size - PAGE < length);
    NW_FUZZ_CHECK(nw_scan(bytes, image->size, NULL, 0) == 0);
    NW_FUZZ_CHECK(pwrite(image->fd, "", 1, 0) < 0 && ftruncate(image->fd, 0) < 0);
    munmap(bytes, image->size);
}

static void ask(struct nw_images *images, int fd, uint64_t offset, size_t length, bool patch, size_t file_size)
{
    struct nw_image *image;
    struct nw_image_refusal refusal;
    int rc = nw_images_acquire(images, fd, offset, length, patch, &image, &refusal);
    if (rc == -EPERM) {
        NW_FUZZ_CHECK(!patch && refusal.file_offset >= offset && refusal.file_offset < file_size);
        NW_FUZZ_CHECK(memchr(refusal.symbol, '\0', sizeof refusal.symbol));
        return;
    }
    bool askable = length && offset % PAGE == 0 && offset < file_size;
    NW_FUZZ_CHECK(rc == 0 ? askable : rc == -EINVAL || rc == -EFBIG);
    if (rc < 0)
        return;
    check_image(image, length);
    nw_images_release(images, image);
}

/* The last bytes of the input say what is asked for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_fuzz_input input = {data, size};
    struct nw_images *images = nw_images_new(2, 4 * PAGE, &gate);
    int fd = memfd_create("image-fuzz", MFD_CLOEXEC);
    uint8_t asked[ASKS];
    for (int i = 0; i < ASKS; i++)
        asked[i] = (uint8_t)nw_fuzz_take(&input, 1);
    NW_FUZZ_CHECK(images && fd >= 0 && write(fd, input.data, input.left) == (ssize_t)input.left);
    for (int i = 0; i < ASKS; i++) {
        uint64_t offset = (asked[i] & 3) * PAGE + (asked[i] == 0xff);
        size_t length = (asked[i] >> 2 & 7) * 1024ul;
        ask(images, fd, offset, length, asked[i] >> 5 & 1, input.left);
    }
    close(fd);
    nw_images_free(images);
    return 0;
}
