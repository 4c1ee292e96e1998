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

/* Whose the code of the file `fd` is, which the host vouches for if `trust`; `own` is the function's file. */
enum nw_where_kind nw_where_kind_of(int fd, bool trust, int own);

/* Code of that kind was mapped, of this file. */
void nw_where_note(struct nw_where_files *files, enum nw_where_kind kind, uint64_t start, uint64_t size, int fd,
                   uint64_t offset);

/* The same of a file with this path, which then need not be asked of the kernel. */
void nw_where_note_path(struct nw_where_files *files, enum nw_where_kind kind, uint64_t start, uint64_t size,
                        const char *path, uint64_t offset);

enum nw_where_kind nw_where_kind(const struct nw_where_files *files, uint64_t address);

/* ", in SYMBOL+0x12" in the function's own file, which is `own` and is called `name`, else ", in FILE+0x1139" with the
 * offset in the file; empty when no code is known to lie there. */
void nw_where(const struct nw_where_files *files, int own, const char *name, uint64_t address, char text[NW_WHERE_MAX]);

#endif
