/*
 * The channel of channel.h: layout of the shared memory, doorbells, and the handshake between a consumer that wants
 * to sleep and a producer that may have to wake it. Not responsible for what the descriptors mean.
 */
#include "common/shm/channel.h"
#include "common/base/atomic.h"
#include "common/base/without.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE              4096ull
#define MAX_RING_CAPACITY (1u << 20)
#define MAX_ARENA_SIZE    (1ull << 36)
#define RINGS_TAKEN       64 /* of a pipe by one read */
#define SEALS             (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Where the parts begin, in bytes. The first page is left empty, so that offset 0 is never a valid part. */
struct layout {
    size_t to_worker, to_engine, engine_arena, worker_arena, claims, end;
};

static int compute_layout(const struct nw_geometry *geometry, struct layout *layout)
{
    uint32_t capacity = geometry->ring_capacity;
    uint64_t arena = geometry->arena_size;
    if (capacity < 2 || capacity > MAX_RING_CAPACITY || (capacity & (capacity - 1)))
        return -EINVAL;
    if (!arena || arena > MAX_ARENA_SIZE || arena % PAGE)
        return -EINVAL;
    size_t ring = (nw_ring_size(capacity) + PAGE - 1) & ~(PAGE - 1);
    layout->to_worker = PAGE;
    layout->to_engine = layout->to_worker + ring;
    layout->engine_arena = layout->to_engine + ring;
    layout->worker_arena = layout->engine_arena + arena;
    layout->claims = layout->worker_arena + arena;
    layout->end = layout->claims + NW_CLAIMS * sizeof(uint32_t);
    return 0;
}

static const struct nw_channel closed = {.memfd = -1, .own_doorbell = -1, .peer_doorbell = -1};

/* Maps ch->memfd and builds this side's views. The fds are set already. */
static int map_sides(struct nw_channel *ch, const struct nw_geometry *geometry, const struct layout *layout,
                     bool is_engine)
{
    unsigned char *map = mmap(NULL, layout->end, PROT_READ | PROT_WRITE, MAP_SHARED, ch->memfd, 0);
    if (map == MAP_FAILED)
        return -errno;
    ch->map = map;
    ch->map_size = layout->end;
    ch->arena = nw_arena_new(map + (is_engine ? layout->engine_arena : layout->worker_arena), geometry->arena_size);
    if (!ch->arena)
        return -errno;
    ch->peer_arena = map + (is_engine ? layout->worker_arena : layout->engine_arena);
    ch->peer_arena_size = geometry->arena_size;
    ch->claims = (uint32_t *)(map + layout->claims);
    struct nw_ring_shared *to_worker = (struct nw_ring_shared *)(map + layout->to_worker);
    struct nw_ring_shared *to_engine = (struct nw_ring_shared *)(map + layout->to_engine);
    nw_ring_init(&ch->out, is_engine ? to_worker : to_engine, geometry->ring_capacity);
    nw_ring_init(&ch->in, is_engine ? to_engine : to_worker, geometry->ring_capacity);
    return 0;
}

/*
 * The worker's doorbell. Were it an eventfd, a hostile worker could make the description that it shares with the engine
 * blocking, fill the counter, and the engine would hang in its next write for ever. A pipe gives each side a
 * description of its own: one for the worker, to read and to ring itself, and one that only the engine has.
 */
static int create_worker_doorbell(struct nw_channel *ch)
{
    char path[32];
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    ch->bell = fds[1];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fds[0]);
    ch->peer_doorbell = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    int error = errno;
    close(fds[0]);
    return ch->peer_doorbell < 0 ? -error : 0;
}

static int create_fds(struct nw_channel *ch, size_t size, const struct nw_channel *first)
{
    ch->memfd = memfd_create("nightward-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (ch->memfd < 0 || ftruncate(ch->memfd, (off_t)size) < 0 || fcntl(ch->memfd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    ch->own_doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ch->own_doorbell < 0)
        return -errno;
    if (!first)
        return create_worker_doorbell(ch);
    ch->bell = fcntl(first->bell, F_DUPFD_CLOEXEC, 1);
    return ch->bell < 0 ? -errno : 0;
}

int nw_channel_create_beside(struct nw_channel *ch, const struct nw_geometry *geometry, const struct nw_channel *first)
{
    struct layout layout;
    *ch = closed;
    int rc = compute_layout(geometry, &layout);
    if (rc < 0)
        return rc;
    rc = create_fds(ch, layout.end, first);
    if (!rc)
        rc = map_sides(ch, geometry, &layout, true);
    if (rc < 0)
        nw_channel_close(ch);
    return rc;
}

int nw_channel_create(struct nw_channel *ch, const struct nw_geometry *geometry)
{
    return nw_channel_create_beside(ch, geometry, NULL);
}

/* A memory file that is too short, or that could shrink later, would end in SIGBUS. */
static int check_memfd(int memfd, size_t size)
{
    struct stat st;
    if (fstat(memfd, &st) < 0)
        return -errno;
    int seals = fcntl(memfd, F_GET_SEALS);
    if (seals < 0)
        return -errno;
    return st.st_size == (off_t)size && (seals & F_SEAL_SHRINK) ? 0 : -EINVAL;
}

int nw_channel_attach(struct nw_channel *ch, const struct nw_geometry *geometry, int memfd, int own_doorbell,
                      int peer_doorbell)
{
    struct layout layout;
    *ch = closed;
    int rc = compute_layout(geometry, &layout);
    if (!rc)
        rc = check_memfd(memfd, layout.end);
    if (rc < 0)
        return rc;
    ch->memfd = memfd;
    rc = map_sides(ch, geometry, &layout, false);
    ch->memfd = rc < 0 ? -1 : memfd;
    if (rc < 0) {
        nw_channel_close(ch);
        return rc;
    }
    ch->own_doorbell = own_doorbell;
    ch->peer_doorbell = peer_doorbell;
    return 0;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void nw_channel_close(struct nw_channel *ch)
{
    nw_arena_free(ch->arena);
    if (ch->map)
        munmap(ch->map, ch->map_size);
    close_fd(ch->memfd);
    close_fd(ch->own_doorbell);
    close_fd(ch->peer_doorbell);
    if (ch->bell > 0)
        close(ch->bell);
    *ch = closed;
}

int nw_channel_send(struct nw_channel *ch, const struct nw_desc *desc)
{
    int rc = nw_ring_push(&ch->out, desc);
    if (!rc)
        nw_channel_notify(ch);
    return rc;
}

/*
 * The handshake. Producer: store tail, fence, load consumer_sleeps. Consumer: store consumer_sleeps, fence, load tail.
 * With both fences at least one side sees the other's store, so no descriptor is left behind a sleeping consumer.
 */
bool nw_channel_must_ring(struct nw_channel *ch)
{
    uint32_t *sleeps = &ch->out.shared->consumer_sleeps;
    nw_fence_seq_cst(); /* pairs with the fence in nw_channel_may_sleep */
    /* Of several wake-ups one rings; pairs with the store of 1 in nw_channel_may_sleep. */
    return nw_load_relaxed(sleeps) && nw_exchange(sleeps, 0);
}

void nw_channel_notify(struct nw_channel *ch)
{
    if (!nw_channel_must_ring(ch))
        return;
    /* Fails only when the doorbell is full: the peer was rung already, and has not read it. */
    uint64_t one = 1;
    ssize_t ignored = write(ch->bell > 0 ? ch->bell : ch->peer_doorbell, &one, sizeof one);
    (void)ignored;
}

bool nw_channel_may_sleep(struct nw_channel *ch)
{
    struct nw_ring *in = &ch->in;
    if (in->peer != in->own)
        return false;
    nw_store_relaxed(&in->shared->consumer_sleeps, 1);
    nw_fence_seq_cst(); /* pairs with the fence in nw_channel_must_ring */
    if (nw_load_relaxed(&in->shared->tail) == in->own)
        return true;
    nw_store_relaxed(&in->shared->consumer_sleeps, 0);
    return false;
}

void nw_channel_woke(struct nw_channel *ch)
{
    nw_store_relaxed(&ch->in.shared->consumer_sleeps, 0);
    /* RWF_NOWAIT because a hostile worker can make the eventfd that the engine shares with it blocking. */
    uint64_t rung[RINGS_TAKEN];
    struct iovec iov = {rung, sizeof rung};
    ssize_t n = preadv2(ch->own_doorbell, &iov, 1, -1, RWF_NOWAIT);
    if (n < 0 && errno == EOPNOTSUPP) /* a pipe on a kernel before 6.4: it is the worker's own */
        n = read(ch->own_doorbell, rung, sizeof rung);
    (void)n;
}

int nw_channel_block(struct nw_channel *ch)
{
    return fcntl(ch->own_doorbell, F_SETFL, 0) < 0 ? -errno : 0;
}

void nw_channel_sleep(struct nw_channel *ch)
{
    uint64_t rung[RINGS_TAKEN];
    ssize_t ignored = read(ch->own_doorbell, rung, sizeof rung);

    (void)ignored;
    nw_store_relaxed(&ch->in.shared->consumer_sleeps, 0); /* pairs with the load in the peer's nw_channel_must_ring */
}

const void *nw_channel_payload(const struct nw_channel *ch, const struct nw_desc *desc)
{
    if (!desc->length)
        return ch->peer_arena;
    if (desc->offset == NW_OFFSET_INLINE)
        return desc->length <= NW_INLINE_MAX ? desc->data : NULL;
    if ((desc->length > ch->peer_arena_size || desc->offset > ch->peer_arena_size - desc->length) &&
        !nw_unchecked(NW_CHECK_PAYLOAD))
        return NULL;
    return ch->peer_arena + desc->offset;
}
