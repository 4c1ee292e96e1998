/*
 * A single-producer single-consumer queue of descriptors in memory that two processes share. Small payloads travel in
 * the descriptor. Not responsible for others (arena.h) or for waking a peer (channel.h).
 *
 * The peer is hostile: it may write anything anywhere in the shared part at any time. Each side keeps its own index
 * privately and never reads it back; the peer's index is checked on every read; a descriptor is copied out before
 * anyone looks at it.
 */
#ifndef NW_COMMON_SHM_RING_H
#define NW_COMMON_SHM_RING_H

#include <stddef.h>
#include <stdint.h>

/* The largest payload that fits into its descriptor. */
#define NW_INLINE_MAX 80

/* The offset of a payload that is in the descriptor: there is no block, and nothing to release. */
#define NW_OFFSET_INLINE UINT64_MAX

/* One message, two cache lines. Fields are hostile after a pop: the receiver checks them before use. */
struct nw_desc {
    uint64_t id;       /* invocation or call that this belongs to; chosen by the side that began it */
    uint64_t offset;   /* payload: place in the sender's arena (for RELEASE: in the receiver's), or NW_OFFSET_INLINE */
    uint64_t length;   /* payload: bytes; 0 means that there is no block */
    uint32_t kind;     /* enum nw_desc_kind */
    uint32_t target;   /* INVOKE: deployment number; CALL: lower half of the id of the INVOKE that it is made for */
    uint32_t status;   /* enum nw_status; CALL: number of the deployment that calls */
    uint32_t name_len; /* CALL: that many bytes at the start of the payload are the name of the callee; INVOKE: the
                        * record of a request, COMPLETE: that of an answer (common/http/record.h); 0: none */
    uint32_t depth;    /* INVOKE, CALL: nested calls above this one */
    uint32_t more;     /* INVOKE: ms that whoever asked waits, 0: it set no limit; CALL: upper half of that id, 0: the
                        * engine thread that is told knows none; COMPLETE: not 0: the function reached for memory whose
                        * key it does not hold, and crashed of it */
    unsigned char data[NW_INLINE_MAX];
};

enum nw_desc_kind {
    /* engine to worker */
    NW_DESC_INVOKE = 1, /* run `target` on the payload; answered by one COMPLETE with the same id */
    NW_DESC_REPLY,      /* answers a CALL of the same id; payload in the engine's arena */
    /* worker to engine */
    NW_DESC_COMPLETE, /* answers an INVOKE; with status OK the payload is the output, else a reason in UTF-8 */
    NW_DESC_CALL,     /* a nested call whose callee is not in this worker: name, then input */
    /* both ways */
    NW_DESC_RELEASE, /* the receiver's arena block at `offset` is no longer used by the sender */
    NW_DESC_READ,    /* the input of the INVOKE or CALL of this id has been read: its part of the block is free early */
};

/* Of inputs that are larger the sender hears READ, for who holds much of an arena must not wait for room in another. */
#define NW_READ_LEAST 65536

/*
 * Who frees a payload block, always in the arena of the side that sent it: the INVOKE block when COMPLETE
 * comes, all of it but the record of the request also when READ comes, the CALL block when REPLY or READ comes; the
 * blocks of COMPLETE and REPLY when RELEASE comes.
 */

/* The part of a ring that lies in shared memory. Each index has a cache line of its own. */
struct nw_ring_shared {
    uint32_t tail; /* written by the producer: descriptors pushed, modulo 2^32 */
    uint32_t pad0[15];
    uint32_t head; /* written by the consumer: descriptors popped, modulo 2^32 */
    uint32_t pad1[15];
    uint32_t consumer_sleeps; /* written by the consumer (1) and whoever wakes it (0) */
    uint32_t pad2[15];
    struct nw_desc desc[]; /* capacity entries */
};

/* One side's view. Private memory; one thread at a time. */
struct nw_ring {
    struct nw_ring_shared *shared;
    uint32_t capacity; /* a power of two */
    uint32_t own;      /* the index this side writes */
    uint32_t peer;     /* last checked value of the other side's index */
};

/* Bytes of shared memory that a ring of `capacity` descriptors needs. */
size_t nw_ring_size(uint32_t capacity);

/* Prepares a view of zeroed shared memory. `capacity` is a power of two from 2 to 2^20. */
void nw_ring_init(struct nw_ring *ring, struct nw_ring_shared *shared, uint32_t capacity);

/* Producer: adds one descriptor. 0; -EAGAIN when full; -EPROTO when the consumer's index is impossible. */
int nw_ring_push(struct nw_ring *ring, const struct nw_desc *desc);

/* Consumer: takes one descriptor. 1; 0 when empty; -EPROTO when the producer's index is impossible. */
int nw_ring_pop(struct nw_ring *ring, struct nw_desc *desc);

/* Producer: descriptors that fit right now, or -EPROTO. */
int nw_ring_space(struct nw_ring *ring);

#endif
