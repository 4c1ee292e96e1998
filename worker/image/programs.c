/* See programs.h. */
#include "worker/image/programs.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define IMAGES_MAX      512
#define IMAGES_BYTES    (256ul << 20)
#define HOST_IMAGES_MAX 8

static int loader, stub_file;
static struct nw_images *images, *host_images;

int nw_program_open_loader(void)
{
    loader = open(NW_LOADER_PATH, O_RDONLY | O_CLOEXEC);
    return loader < 0 ? -errno : 0;
}

int nw_program_store_stub(const char *stub, size_t size)
{
    stub_file = memfd_create("nightward-stub", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (stub_file < 0 || write(stub_file, stub, size) != (ssize_t)size)
        return -errno;
    return fcntl(stub_file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ? -errno : 0;
}

int nw_program_loader(void)
{
    return loader;
}

int nw_program_stub(void)
{
    return stub_file;
}

int nw_image_caches_make(const struct nw_shortcut_gate *shortcut)
{
    images = nw_images_new(IMAGES_MAX, IMAGES_BYTES, NULL);
    host_images = nw_images_new(HOST_IMAGES_MAX, IMAGES_BYTES, shortcut);
    return images && host_images ? 0 : -errno;
}

struct nw_images *nw_image_cache(bool host)
{
    return host ? host_images : images;
}
