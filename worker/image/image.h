/*
 * The cache of code images. Code of a file becomes executable only as an image: a sealed memfd with a private copy of
 * the bytes, scanned once. What is written to the file later cannot change what runs, and all domains that map the
 * same part of the same file share the image's pages. Not responsible for mapping, for the seams between mappings, or
 * for who may run which file.
 *
 * The bytes that were scanned are the bytes that run:
 *  - They are read from the file once, into memory of the monitor; from there they are changed, scanned and stored. The
 *    file's name, times and later content decide at most which image is given, never what is in it.
 *  - The seals against writing, shrinking and growing come before the descriptor leaves this file, and no mapping that
 *    could write was ever made. From then on the kernel refuses every write, hole and new length.
 *  - A domain has the image mapped private, to read and execute; region.h keeps code from becoming writable, so there
 * is no copy of a page to change. Pages that the kernel or madvise drops come back from the image.
 */
#ifndef NW_WORKER_IMAGE_IMAGE_H
#define NW_WORKER_IMAGE_IMAGE_H

#include "protect/rewrite/shortcut.h"
#include "protect/scan/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A larger mapping of code is refused. */
#define NW_IMAGE_SIZE_MAX ((size_t)256 << 20)

/* An image that its holder may map PROT_READ | PROT_EXEC, MAP_PRIVATE, from offset 0 of `fd`. Never changes. */
struct nw_image {
    int fd;      /* sealed against writing, growing, shrinking and more seals; owned by the cache */
    size_t size; /* bytes, a multiple of 4096; at most the length asked for, rounded up: no page lies wholly behind the
                    end of the file, and a mapping faults there as a mapping of the file itself does */
    size_t patched;   /* instructions that were overwritten with traps */
    size_t rewritten; /* sequences that stood there by accident and were taken out (rewrite.h) */
    size_t shortened; /* system calls that go straight to the gate (shortcut.h) */
    size_t answered;  /* CPUID instructions that find their answer in the image (cpuid.h) */
    uint64_t id;      /* no other image has it */
};

/* Why a file was refused. */
struct nw_image_refusal {
    uint64_t file_offset; /* of the first forbidden instruction */
    enum nw_scan_kind kind;
    char symbol[64]; /* the function around it, escaped for people; empty when unknown */
};

struct nw_images;
struct stat;

/* A cache of at most `max_images` images and `max_bytes` bytes; images in use live on although they left it. `gate`, to
 * which system calls of files go that the host vouches for, stays the caller's; NULL: none does. NULL with errno set.
 * All functions but _free may be called from several threads at once. */
struct nw_images *nw_images_new(size_t max_images, size_t max_bytes, const struct nw_shortcut_gate *gate);

/* Every image must have been released. */
void nw_images_free(struct nw_images *images);

/*
 * Gives the image of `length` bytes at `offset` (a multiple of 4096) of the readable regular file `fd`, which stays
 * the caller's. `patch`: forbidden instructions are overwritten with INT3, for files that the host vouches for;
 * otherwise sequences that stand there by accident are taken out (rewrite.h) and all others refuse the file. Domains
 * may hold the file open and write to it meanwhile.
 *
 * 0 and *image, to be released by nw_images_release, at any time after it was mapped. -EPERM and *refusal; -EINVAL
 * (unaligned, empty, wraps, wholly behind the end of the file); -EACCES (not a regular file); -EFBIG; -ENOMEM;
 * -EMFILE; what fstat, pread or memfd_create say.
 */
int nw_images_acquire(struct nw_images *images, int fd, uint64_t offset, size_t length, bool patch,
                      struct nw_image **image, struct nw_image_refusal *refusal);
void nw_images_release(struct nw_images *images, struct nw_image *image);

/* One user more of an image that has one. */
void nw__images_share(struct nw_images *images, struct nw_image *image);

/* The same for what is in the cache, of a file with these attributes. -ENOENT: it is not there. */
int nw_images_find(struct nw_images *images, const struct stat *file, uint64_t offset, size_t length, bool patch,
                   struct nw_image **image);

/* What is counted is what is in the list, and within its bounds: for tests and debug builds. Nothing else uses the
 * cache meanwhile. */
bool nw_images_is_valid(const struct nw_images *images);

struct nw_images_stats {
    size_t images; /* in the cache now */
    size_t bytes;
    uint64_t hits, misses;
};
void nw_images_stats(struct nw_images *images, struct nw_images_stats *stats);

#endif
