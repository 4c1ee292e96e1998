/*
 * The buffers that receives fill: a ring of them shared with the kernel, which takes one when bytes arrive, so that
 * idle connections hold no memory. Each goes back as soon as its bytes were handed over.
 */
#include "engine/io/uring/private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GROUP 0
#define COUNT 64 /* a power of two */

static void add(struct nw__uring *uring, unsigned id)
{
    char *memory = uring->buffer_memory + (size_t)id * NW__URING_BUFFER_SIZE;
    io_uring_buf_ring_add(uring->buffers, memory, NW__URING_BUFFER_SIZE, (unsigned short)id,
                          io_uring_buf_ring_mask(COUNT), 0);
    io_uring_buf_ring_advance(uring->buffers, 1);
}

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(struct nw__uring *uring)
{
    if (uring->buffers)
        munmap(uring->buffers, COUNT * sizeof(struct io_uring_buf));
    if (uring->buffer_memory)
        munmap(uring->buffer_memory, (size_t)COUNT * NW__URING_BUFFER_SIZE);
}

int nw__uring_buffers_init(struct nw__uring *uring)
{
    uring->buffers = map(COUNT * sizeof(struct io_uring_buf));
    uring->buffer_memory = map((size_t)COUNT * NW__URING_BUFFER_SIZE);
    int rc = -ENOMEM;
    if (uring->buffers && uring->buffer_memory) {
        struct io_uring_buf_reg reg = {.ring_addr = (uintptr_t)uring->buffers, .ring_entries = COUNT, .bgid = GROUP};
        rc = io_uring_register_buf_ring(&uring->ring, &reg, 0);
    }
    if (rc < 0) {
        unmap(uring);
        return rc;
    }
    io_uring_buf_ring_init(uring->buffers);
    for (unsigned id = 0; id < COUNT; id++)
        add(uring, id);
    return 0;
}

void nw__uring_buffers_fini(struct nw__uring *uring)
{
    io_uring_unregister_buf_ring(&uring->ring, GROUP);
    unmap(uring);
}

char *nw__uring_buffer(struct nw__uring *uring, unsigned cqe_flags)
{
    return uring->buffer_memory + (size_t)(cqe_flags >> IORING_CQE_BUFFER_SHIFT) * NW__URING_BUFFER_SIZE;
}

void nw__uring_buffer_return(struct nw__uring *uring, unsigned cqe_flags)
{
    if (cqe_flags & IORING_CQE_F_BUFFER)
        add(uring, cqe_flags >> IORING_CQE_BUFFER_SHIFT);
}

void nw__uring_buffer_select(struct io_uring_sqe *sqe)
{
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
}
