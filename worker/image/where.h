/*
 * Which code lies where in a domain, so that messages can name it. Says nothing that anything but a message may rely
 * on: names and symbols are the function's own.
 */
#ifndef NW_WORKER_IMAGE_WHERE_H
#define NW_WORKER_IMAGE_WHERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_WHERE_MAX   96 /* bytes of a text of nw_where */
#define NW_WHERE_FILES 48 /* mappings that are remembered, the latest ones */

struct nw_domain;

/* Whose code it is. In this order they matter to whoever wrote the function. */
enum nw_where_kind {
    NW_WHERE_UNKNOWN,
    NW_WHERE_HOST,    /* libc, ld.so, or the program that the function runs in */
    NW_WHERE_LIBRARY, /* any other */
    NW_WHERE_OWN,     /* the function's own file */
};

struct nw_where_files {
    struct {
        uint64_t start, size, offset; /* of the mapping, and in the file */
        enum nw_where_kind kind;
        char name[32];
    } files[NW_WHERE_FILES];
    size_t n; /* so far */
};

/* Code of the file `fd` was mapped, which the host vouches for if `trust`. The domain's memory_lock is held. */
void nw_where_note(struct nw_domain *domain, uint64_t start, uint64_t size, int fd, uint64_t offset, bool trust);

/* All that is known of a domain, to look at several addresses. Takes the memory_lock. */
void nw_where_copy(struct nw_domain *domain, struct nw_where_files *files);
enum nw_where_kind nw_where_kind(const struct nw_where_files *files, uint64_t address);

/* ", in SYMBOL+0x12" in the function's own file, else ", in FILE+0x1139" with the offset in the file; empty when no
 * code is known to lie there. Takes the memory_lock. */
void nw_where(struct nw_domain *domain, uint64_t address, char text[NW_WHERE_MAX]);

#endif
