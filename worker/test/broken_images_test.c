/* A cache of code images that is whole, and the same with one thing broken: its check finds each. What it looks at is
 * private to the cache, so the cache is compiled here. */
#include "common/test/broken.h"
#include "worker/image/image.c"

#define IMAGES 2
#define ROOM   (8 * PAGE)

static struct nw_images *images;
static struct nw_image *in_use;

/* A cache of two images, of which one is in use. */
static int begin(void **state)
{
    struct nw_image_refusal refusal;
    struct nw_image *image;
    int fd = open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY | O_CLOEXEC);

    (void)state;
    images = nw_images_new(IMAGES, ROOM, NULL);
    assert_non_null(images);
    assert_int_equal(nw_images_acquire(images, fd, 0, PAGE, true, &image, &refusal), 0);
    nw_images_release(images, image);
    assert_int_equal(nw_images_acquire(images, fd, PAGE, 2 * PAGE, true, &in_use, &refusal), 0);
    close(fd);
    assert_int_equal(images->stats.images, 2); /* what changed a moment ago is not cached; libc did not */
    return 0;
}

static int end(void **state)
{
    (void)state;
    nw_images_release(images, in_use);
    nw_images_free(images);
    return 0;
}

static void what_is_listed(void **state)
{
    struct entry *newest = images->newest;

    (void)state;
    FOUND(nw_images, images, newest->cached, false);
    FOUND(nw_images, images, newest->image.fd, -1);
    FOUND(nw_images, images, newest->next->cached, false);
    FOUND(nw_images, images, newest->next->image.fd, -1);
    FOUND(nw_images, images, newest->key.size, PAGE); /* the image is of another part of the file */
}

static void what_is_counted(void **state)
{
    (void)state;
    FOUND(nw_images, images, images->stats.images, 1);
    FOUND(nw_images, images, images->stats.bytes, 2 * PAGE);
    FOUND(nw_images, images, images->newest->next, NULL); /* one is lost */
}

static void what_is_bounded(void **state)
{
    (void)state;
    FOUND(nw_images, images, images->max_images, 1);
    FOUND(nw_images, images, images->max_bytes, 2 * PAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_listed),
        TEST(what_is_counted),
        TEST(what_is_bounded),
    };

    return cmocka_run_group_tests_name("worker/broken_images", tests, NULL, NULL);
}
