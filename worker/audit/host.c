/* The second part of `nightward-worker --audit`: the host's ld.so and libc as a domain gets them, by the same image
 * cache (image.h) that makes their code for domains. */
#include "protect/scan/elf_file.h"
#include "worker/audit/audit.h"
#include "worker/image/image.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was found in one file, and what is left of it in the image. */
struct host_file {
    struct nw_elf elf;
    int fd;
    size_t found, left;
};

static void print_found(struct host_file *file, const Elf64_Phdr *code)
{
    static struct nw_scan_hit hits[NW_AUDIT_MAX];
    size_t n = nw_scan(file->elf.bytes + code->p_offset, code->p_filesz, hits, NW_AUDIT_MAX);
    char name[64];

    file->found += n;
    for (size_t i = 0; i < n && i < NW_AUDIT_MAX; i++) {
        uint64_t offset = code->p_offset + hits[i].offset;

        nw_elf_name_offset(&file->elf, offset, name, sizeof(name));
        printf("  %-8s file offset %#lx%s%s\n", nw_scan_kind_name(hits[i].kind), offset, name[0] ? ", in " : "", name);
    }
}

/* Looks at the image that a domain would map. */
static int count_left(struct host_file *file, const Elf64_Phdr *code, struct nw_images *images)
{
    uint64_t start = code->p_offset & -4096ull;
    struct nw_image_refusal refusal;
    struct nw_image *image;
    int error =
        nw_images_acquire(images, file->fd, start, code->p_offset - start + code->p_filesz, true, &image, &refusal);
    uint8_t *bytes;

    if (error)
        return error;
    bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, image->fd, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    file->left += nw_scan(bytes, image->size, NULL, 0);
    munmap(bytes, image->size);
    nw_images_release(images, image);
    return 0;
}

static int look_at(struct host_file *file, struct nw_images *images)
{
    int error = 0;

    for (size_t i = 0; i < file->elf.header.e_phnum && !error; i++) {
        const Elf64_Phdr *segment = &file->elf.segments[i];

        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        print_found(file, segment);
        error = count_left(file, segment, images);
    }
    return error;
}

static int read_file(struct host_file *file, const char *path, uint8_t **bytes)
{
    struct stat st;
    char why[64];

    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &st) < 0)
        return -errno;
    *bytes = malloc((size_t)st.st_size);
    if (!*bytes)
        return -ENOMEM;
    if (pread(file->fd, *bytes, (size_t)st.st_size, 0) != st.st_size)
        return -EIO;
    return nw_elf_open(&file->elf, *bytes, (size_t)st.st_size, why, sizeof(why));
}

int nw_audit_print_host(const char *path)
{
    struct nw_images *images = nw_images_new(0, 0, NULL);
    static struct host_file file;
    uint8_t *bytes = NULL;
    int error;

    file.found = file.left = 0;
    printf("in %s, overwritten in every domain's copy:\n", path);
    error = images ? read_file(&file, path, &bytes) : -ENOMEM;
    if (!error)
        error = look_at(&file, images);
    if (error)
        printf("cannot look at it: %s\n", strerror(-error));
    else
        printf("%zu overwritten, %zu left\n", file.found - file.left, file.left);
    if (file.fd >= 0)
        close(file.fd);
    free(bytes);
    nw_images_free(images);
    return error || file.left ? 1 : 0;
}
