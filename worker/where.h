/*
 * Which code lies where in a domain, so that messages can name it. Says nothing that anything but a message may rely
 * on: names and symbols are the function's own.
 */
#ifndef NW_WORKER_WHERE_H
#define NW_WORKER_WHERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_WHERE_MAX   96 /* bytes of a text of nw_where */
#define NW_WHERE_FILES 48 /* mappings that are remembered, the latest ones */

struct nw_domain;

struct nw_where_files {
    struct {
        uint64_t start, size, offset; /* of the mapping, and in the file */
        bool own;                     /* the function's own file */
        char name[32];
    } files[NW_WHERE_FILES];
    size_t n; /* so far */
};

/* Code of the file `fd` was mapped. The domain's memory_lock is held. */
void nw_where_note(struct nw_domain *domain, uint64_t start, uint64_t size, int fd, uint64_t offset);

/* ", in SYMBOL+0x12" in the function's own file, else ", in FILE+0x1139" with the offset in the file; empty when no
 * code is known to lie there. Takes the memory_lock. */
void nw_where(struct nw_domain *domain, uint64_t address, char text[NW_WHERE_MAX]);

#endif
