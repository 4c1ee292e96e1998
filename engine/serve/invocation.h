/* The table of invocations and their lifecycle. Not responsible for choosing workers or moving bytes (dispatch.c). */
#ifndef NW_ENGINE_SERVE_INVOCATION_H
#define NW_ENGINE_SERVE_INVOCATION_H

#include "common/base/status.h"
#include "common/shm/channel.h"
#include "engine/base/carry.h"
#include "engine/base/list.h"
#include "engine/base/spool.h"
#include "engine/base/wheel.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_engine;
struct nw_function;
struct nw_link;
struct nw_queue;
struct nw_tally;

/* An answer. With OK the data is the output, else a reason (hostile text). In front of an output, also of one that
 * failed, may be a record of what the function says of its answer: `head_length` bytes at `head`, or 0. If `link` is
 * not NULL it lies in the worker's arena and the receiver calls nw_link_drop(link, offset) once when done with it;
 * otherwise it lives only until `done` returns. */
struct nw_result {
    enum nw_status status;
    const char *data;
    size_t length;
    const char *head;
    size_t head_length;
    struct nw_link *link;
    uint64_t offset;
    bool open; /* anybody may read the reason: it says which limit has passed, and when */
};

/* Who asked. */
struct nw_invocation_owner {
    void (*room)(void *arg); /* what nw_invoke_reserve refused is there now */
    void (*cut)(void *arg);  /* its input comes too slowly, and memory is short: it must give up; see spool.h */
    void (*done)(void *arg, const struct nw_result *result); /* the invocation is freed afterwards */
    const char *(*request)(const void *arg); /* the id of the request for which it is made; NULL: there is none */
};

enum nw_invocation_state {
    NW_INVOCATION_FREE,
    NW_INVOCATION_OPEN,    /* the input is arriving */
    NW_INVOCATION_WAITING, /* needs a worker, or room in its arena */
    NW_INVOCATION_READY,   /* complete; queued for a slot in its worker */
    NW_INVOCATION_SENT,    /* the worker has it */
    NW_INVOCATION_ORPHAN,  /* the worker has it, and nobody wants the answer any more */
    NW_INVOCATION_STATES
};

/* Who waits for room for an input; in this order they are looked at when some is made. Nested calls do not stand behind
 * clients, whose invocations may be waiting for them. */
enum nw_room_kind {
    NW_ROOM_NESTED_LITTLE, /* a nested call of a function that holds little of the arena */
    NW_ROOM_LITTLE,
    NW_ROOM_NESTED,
    NW_ROOM_OTHERS,
    NW_ROOM_KINDS
};

struct nw_invocation {
    struct nw_list link; /* function->waiting, link->waiters, queue->waiting or link->sent, by state */
    struct nw_engine *engine;
    uint32_t index, generation; /* together the id that a worker sees */
    enum nw_invocation_state state;
    struct nw_wheel_timer timer; /* due at one of its deadlines, or earlier: it stays set when they move on */
    bool complete;               /* all input is known */
    bool queued;                 /* counted in function->queued */
    uint32_t depth;
    struct nw_function *function;
    struct nw_queue *queue; /* chosen; counted in queue->bound */
    struct nw_link *home;   /* a reference: whose arena holds the block, or who runs it */
    bool inlined;           /* the input is in `small` */
    bool has_block;         /* it is in the arena of `home` */
    bool spooled;           /* it arrives in `spilled`: those that arrive have their part of the arena already */
    bool owes;              /* WAITING because `spilled` is not charged: too much memory for payloads is in use */
    bool partial;           /* its block counts in home->partial: its input is still arriving */
    bool capped;            /* WAITING because its function has its part of the arena already */
    bool read;              /* SENT, ORPHAN: its worker has read the input, which is not here any more */
    enum nw_room_kind room; /* WAITING for room: among whom */
    uint64_t offset;
    size_t capacity;
    size_t length;       /* bytes of input so far ... */
    size_t context;      /* ... of which so many, the first, are the record of its request */
    size_t wanted;       /* bytes that nw_invoke_reserve asked for */
    char *spilled;       /* the input so far while there is no room for it in an arena */
    size_t spilled_size; /* bytes of it that may be used */
    size_t spilled_room; /* its size: all that may come */
    struct {
        struct nw_link *link; /* a reference; NULL: it does not move */
        uint64_t offset;
        size_t capacity;
        struct nw_carry carry;
    } next;                       /* WAITING while a large input is carried to another block than it has */
    struct nw_spool_holder spool; /* `spilled`, when it is large */
    unsigned char small[NW_INLINE_MAX];
    uint64_t began;       /* ms: since when whoever asked for it, or for what calls it, waits */
    uint64_t expires;     /* ms: until when (dispatch/expire.h); 0: no limit */
    uint64_t deadline;    /* of the engine, but while OPEN: to find a worker, or for the worker to answer */
    uint64_t waits_until; /* SENT: its deadline while it waited, for when it has to wait again */
    unsigned sent;        /* to how many workers so far */
    bool violated;        /* its worker says that the function reached for memory that is not its own */
    enum nw_status ended; /* while `done` runs: what it is counted as, which that may change */
    struct {
        struct nw_tally *tally;   /* the function's; NULL: it is not counted */
        uint64_t begun, complete; /* ns */
    } counted;                    /* see dispatch/count.h */
    const struct nw_invocation_owner *owner;
    void *owner_arg;
};

enum nw_invocation_event {
    NW_INVOCATION_WAIT,    /* no worker, or no room */
    NW_INVOCATION_GO_ON,   /* there is room for more input */
    NW_INVOCATION_QUEUE,   /* the input is complete and where its worker finds it */
    NW_INVOCATION_SEND,    /* the worker was told */
    NW_INVOCATION_RETURN,  /* the worker was lost before it began it, and did not have it therefore */
    NW_INVOCATION_ABANDON, /* nobody wants the answer */
    NW_INVOCATION_FINISH,  /* answered */
    NW_INVOCATION_EVENTS
};

/* A new invocation, OPEN; NULL when there are too many or memory is out. Takes a reference to `function`. */
struct nw_invocation *nw_invocation_new(struct nw_engine *engine, struct nw_function *function);

bool nw_invocation_is_valid(const struct nw_invocation *inv);

/* Has its timer be due no later than its next deadline, if it has one. */
void nw_invocation_time(struct nw_invocation *inv);

/* Moves an invocation along. When it comes back to FREE, all it holds is given up and it must not be used any more. */
void nw_invocation_move(struct nw_invocation *inv, enum nw_invocation_event event);

/* Says which limit, of so many ms, has passed for it, after how long, and where. */
#define NW_LIMIT_TEXT 160
void nw_invocation_limit(const struct nw_invocation *inv, char text[NW_LIMIT_TEXT], const char *limit, uint64_t ms,
                         const char *where);

/* How long whoever asked still waits, in ms, at least 1; `most` when no limit was set or a longer one. */
uint64_t nw_invocation_left(const struct nw_invocation *inv, uint64_t most);

/* The id that workers see, and the invocation that an id names: NULL when it names none that a worker has. */
uint64_t nw_invocation_id(const struct nw_invocation *inv);
struct nw_invocation *nw_invocation_find(struct nw_engine *engine, uint64_t id);

/* Frees the table. */
void nw_invocations_fini(struct nw_engine *engine);

#endif
