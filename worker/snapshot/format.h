/*
 * What a snapshot's file looks like: contents of memory first, from which pages are mapped, then tables of what they
 * are, and a tail of fixed size at the end. It is read by other workers and later ones, so it says nothing that holds
 * only in this process. Whoever reads it trusts no word of it (read.h).
 */
#ifndef NW_WORKER_SNAPSHOT_FORMAT_H
#define NW_WORKER_SNAPSHOT_FORMAT_H

#include "worker/base/signals.h"
#include "worker/image/library.h"
#include "worker/range/region.h"
#include <stdint.h>

#define NW_SNAPSHOT_MAGIC 0x3130746f6873776eull /* changes with what is here */
#define NW_SNAPSHOT_FLOWS 2                     /* the first, and one func worker */

/* Where the contents of a part come from. */
enum nw_part_source {
    NW_PART_ZEROS,   /* or nothing is mapped */
    NW_PART_DATA,    /* the contents in this file, from `offset` */
    NW_PART_LIBRARY, /* library `index`, from `offset` */
    NW_PART_IMAGE,   /* image `index`, from `offset` */
};

struct nw_file_part {
    uint64_t start, end, offset;
    uint32_t index;
    uint8_t source, prot, kind, charged; /* the last three as in struct nw_region */
};

/* Code of a library; of a trusted one there is one image of all. */
struct nw_file_image {
    uint64_t offset, size;
    uint32_t library;
    uint32_t unused;
};

/* A flow of control that waits at the gate. */
struct nw_file_flow {
    uint64_t rsp, fs;
    uint32_t mxcsr, fcw;
    uint64_t clear_tid;
    uint64_t inbox, inbox_size;
    uint64_t mask, stack, stack_size;
    uint32_t stack_flags;
    uint32_t tid;
};

/* The parts, images and libraries lie before it in this order. */
struct nw_file_tail {
    struct nw_signal_action actions[NW_SIGNALS];
    struct nw_file_flow flows[NW_SNAPSHOT_FLOWS];
    uint64_t range;    /* where the domain lies */
    uint64_t machine;  /* machine.h */
    uint64_t contents; /* bytes */
    uint32_t n_parts, n_images, n_libraries, unused;
    uint64_t magic;
};

#endif
