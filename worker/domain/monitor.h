/*
 * The monitor's main types and what its files offer one another. Read this first.
 *
 *   function   a deployment in this worker: name, .so, limits, the queue of invocations that wait for a slot
 *   domain     one loaded instance of a function: address range, key, slots, fds. A crashed one is torn down and a new
 *              one takes its place; the old one lingers until the last of its slots has surfaced
 *   slot       a flow of control inside a domain (each thread of the function is one). Those that wait for
 *              invocations are the function's func workers
 *   executor   a kernel thread that runs slots
 *
 * Locks, in the order in which they are taken: monitor.lock (everything but what is named below), domain.memory_lock
 * (its mappings and fds), domain.free_lock (its list of free slots; a spinlock, see free.h). domain.move_lock
 * is taken alone.
 *
 * A slot that runs, or that waits for a callee in this worker, belongs to its executor: nobody else touches it. To end
 * such a slot, its domain is marked dying and every executor is kicked; the executor reaps the slot when it surfaces.
 */
#ifndef NW_WORKER_DOMAIN_MONITOR_H
#define NW_WORKER_DOMAIN_MONITOR_H

#include "common/base/bound.h"
#include "common/base/status.h"
#include "common/host/mode.h"
#include "common/manifest/control.h"
#include "common/manifest/manifest.h"
#include "common/shm/channel.h"
#include "protect/gate/gate.h"
#include "worker/base/share.h"
#include "worker/base/span.h"
#include "worker/domain/keys.h"
#include "worker/files/disk.h"
#include "worker/image/where.h"
#include "worker/memory/code.h"
#include "worker/memory/file_maps.h"
#include "worker/memory/region.h"
#include "worker/memory/shortage.h"
#include "worker/signal/signals.h"
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define NW_PAGE_SIZE      4096ul
#define NW_PAYLOAD_MAX    (16ul << 20)
#define NW_CALL_DEPTH_MAX 32
#define NW_REMOVED        "the function was removed" /* why a domain ends that has nothing left to do */
#define NW_TOKENS_MAX     32                         /* executors that run at once */
#define NW_EXECUTORS_MAX  (1024 + NW_TOKENS_MAX)     /* with those that are blocked */
#define NW_DOMAINS_MAX    512
#define NW_FUNCTIONS_MAX  1024
#define NW_DOMAIN_SLOTS   256         /* flows of control in one domain: func workers and the function's own threads */
#define NW_WORKER_MEMORY  (5ul << 18) /* what a func worker takes of its domain's memory, with its stack */
#define NW_DOMAIN_FDS     NW_LIMIT_DESCRIPTORS
#define NW_DOMAIN_RANGE   (16ul << 30)
#define NW_AREAS_SIZE     (64ul << 10) /* at its start, for the gate */
#define NW_START_TIMEOUT  10000        /* ms from load to ready */
#define NW_KEEPS_UNKNOWN  10000000ull  /* nw_function.keeps of one that never ran */
#define NW_PREEMPT_SIGNAL 23           /* SIGURG */
#define NW_REASON_MAX     256

enum nw_slot_state {
    NW_SLOT_UNUSED,
    NW_SLOT_READY,   /* in domain.ready */
    NW_SLOT_RUNNING, /* on an executor */
    NW_SLOT_BARE,    /* on a blocked executor that has none of the domain's rights */
    NW_SLOT_FREE,    /* in domain.free: a func worker that waits for an invocation */
    NW_SLOT_CALLING, /* waits for a callee that runs in this worker */
    NW_SLOT_QUEUED,  /* its nested call waits in the callee's queue */
    NW_SLOT_REMOTE,  /* its nested call is with the engine */
    NW_SLOT_FUTEX,   /* in domain.sleepers */
    NW_SLOT_SLEEP,   /* in domain.sleepers */
    NW_SLOT_SIGWAIT, /* in domain.sleepers: waits for a signal that it takes without a handler */
    NW_SLOT_BLOCK,   /* in domain.sleepers: waits until it may block an executor */
    NW_SLOT_ARENA,   /* in monitor.arena_waiters: the payload arena or the ring was full */
    NW_SLOT_PARKED,  /* the domain's first flow once the function is up: domain.grower */
};

/* An invocation of the engine's: its id, and the line that it came by, by which its answer goes. */
struct nw_ticket {
    uint64_t id;
    struct nw_line *line;
};

/* What an invocation is before it has a slot: an INVOKE from the ring, or a nested call that found no free slot. */
struct nw_invocation {
    struct nw_invocation *next;
    struct nw_slot *caller; /* a nested call: who waits; NULL for one from the ring */
    struct nw_ticket id;    /* from the ring */
    struct nw_source input; /* in the engine's arena, or in the caller's domain */
    uint32_t depth;
    unsigned char small[NW_INLINE_MAX]; /* an input that came in its descriptor */
};

/* Which slots go first: those that keep an executor briefly. */
enum nw_pace { NW_PACE_BRIEF, NW_PACE_LONG, NW_PACES };

struct nw_slot {
    struct nw_gate_context gate; /* first: the gate knows slots by it */
    struct nw_domain *domain;
    struct nw_slot *next; /* link of the list that `state` names */
    enum nw_slot_state state;
    enum nw_pace pace;           /* how it used its last turn on an executor */
    enum nw_pace queued_as;      /* READY */
    uint32_t tid;                /* what gettid answers */
    uint32_t sequence;           /* odd while an invocation runs; so the watch can tell one from the next */
    uint32_t signalled;          /* a signal waits to be delivered to it, maybe */
    uint32_t depth;              /* nested calls above the running invocation */
    struct nw_slot *caller;      /* the running invocation is its nested call */
    struct nw_ticket invocation; /* the running invocation came from the ring with this one */
    bool from_ring;
    bool takes_slot; /* the running invocation is no nested call: it counts in domain.n_serving */
    bool worker;     /* a func worker: has called NW_OP_WAIT */
    bool answered;   /* the engine has been told already: whatever comes is dropped */
    bool excused;    /* its deadline passed while a callee was late */
    /* as a func worker: where an input may be placed, and what it just produced */
    struct nw_sink inbox;
    struct nw_source output;
    int32_t output_status;
    struct nw_source incoming;      /* what is left of an input that is placed without the lock: carry.c */
    struct nw_invocation *assigned; /* an input larger than the inbox, for which it makes room */
    /* as a caller: where the output goes; an output that did not fit, until it is fetched */
    struct nw_sink reply;
    void *held;
    uint64_t held_length;
    /* as a caller of a function that is not in this worker */
    bool call_unsent;
    char callee[NW_NAME_MAX + 1];
    struct nw_source input;
    uint32_t call_generation; /* matches a REPLY with the call it answers */
    uint64_t call_block;      /* the CALL's payload in our arena, or NW_OFFSET_INLINE */
    /* as a sleeper */
    uint64_t wake_at; /* CLOCK_MONOTONIC, ns; 0 = no limit */
    uint64_t futex;
    uint32_t futex_bits;
    uint64_t block_until; /* of a call that has a time limit and waits until it may block; 0: none does */
    bool may_block;       /* a blocked executor is taken for it already */
    uint64_t clear_tid;   /* zeroed and woken when the flow ends */
    struct nw_slot_signals signals;
    /* watched by the clock */
    uint32_t seen_sequence;
    uint64_t seen_at;
};

enum nw_domain_state {
    NW_DOMAIN_NONE,     /* the record is unused */
    NW_DOMAIN_MAKING,   /* taken by the control thread, which prepares it without the lock */
    NW_DOMAIN_STARTING, /* its flow runs ld.so, constructors, faas_init and makes the func workers */
    NW_DOMAIN_LIVE,
    NW_DOMAIN_DYING,  /* no flow of it will run again; waits for the last slots to surface */
    NW_DOMAIN_BURIED, /* they have; its memory and files are given back */
};

/* One entry of a domain's own table of files. The kernel's fd stays open while a call uses it, whatever other threads
 * of the domain close meanwhile, so a number can never turn into another domain's file under a call. */
struct nw_domain_fd {
    int fd;         /* the kernel's, or -1 */
    uint16_t users; /* calls under way */
    bool closed;    /* to be closed by its last user; the entry stays taken until then */
    bool trust;     /* the host's own libc or ld.so: forbidden instructions in it become traps */
    bool epoll;
    struct nw_opened *opened;           /* a regular file below a granted directory */
    const struct nw_directory *granted; /* it lies below this one; as a directory it is a place to open more from */
};

/* Slots of one domain that are ready, of one pace. */
struct nw_ready_list {
    struct nw_slot *first, **tail;
    struct nw_domain *next; /* in monitor.ready */
    bool queued;            /* there; only while the domain has a key */
};

struct nw_domain {
    uint32_t index;  /* in nw_m.domains */
    uint64_t serial; /* tells this domain from earlier ones of its record */
    uint32_t state;  /* enum nw_domain_state; DYING is stored before the kick that makes executors look */
    uint32_t free_lock;
    uint32_t free_times;                        /* taken by the same executor in a row: */
    struct nw_executor *free_last, *free_owner; /* the last; who may do without the lock */
    struct nw_slot *free;
    uint32_t n_free;
    uint32_t n_workers;     /* func workers: threads that have waited for an invocation */
    uint32_t n_made;        /* ... that the stub says it has made */
    uint32_t n_serving;     /* ... that run an invocation which is no nested call: at most the function's slots */
    struct nw_slot *grower; /* its first flow, waiting to be asked for another func worker; NULL while it makes one */
    bool grown_out;         /* it could make no more */
    uint64_t extra_used_at; /* when more than its slots were last busy */
    struct nw_function *function;
    struct nw_account account;
    int key;            /* hardware key that its flows may use; 0 while there is none, or where there are none */
    int held_key;       /* ... that nobody else is given, since its pages may be in it */
    int tag;            /* the key that its pages get; guarded by memory_lock */
    uint64_t last_used; /* of its key: a count, not a time */
    enum nw_key_state key_state;
    uint64_t key_since; /* USED and CALLED_BACK: since when */
    uint64_t key_due;   /* in the line: from when it may take a key from somebody */
    bool wants_key, key_urgent;
    struct nw_domain *next_wanting;
    uint32_t recall;          /* CALLED_BACK: the number of the recall */
    pthread_cond_t key_given; /* for executors that hold a slot of it */
    uint32_t n_key_waiters;
    uint64_t base, end; /* its address range */
    uint64_t areas;     /* where full exits place registers; the monitor's own pages inside the range */
    pthread_mutex_t memory_lock;
    pthread_mutex_t move_lock; /* for a piece of a large transfer: those of a domain take turns at the processor */
    struct nw_regions regions;
    struct nw_code code;
    struct nw_shortage shortage;
    uint64_t memory_peak;                   /* of nw_memory_used; */
    uint64_t memory_told, memory_peak_told; /* ... what the engine knows of both */
    struct nw_where_files where;
    struct nw_domain_fd fds[NW_DOMAIN_FDS];
    uint64_t watched_by[NW_DOMAIN_FDS][NW_DOMAIN_FDS / 64]; /* of watches.c: by which epolls, by their numbers */
    struct nw_file_maps file_maps;
    struct nw_lock_owner *lock_owners; /* of opened.h; guarded by memory_lock */
    char cwd[PATH_MAX];                /* what relative paths begin at; guarded by memory_lock */
    uint32_t n_closing;                /* files of it that wait to be closed: closing.c */
    struct nw_slot slots[NW_DOMAIN_SLOTS];
    uint32_t n_slots;   /* not UNUSED */
    uint32_t slots_end; /* beyond it no slot was ever used */
    struct nw_ready_list ready[NW_PACES];
    struct nw_domain *next_buried;
    struct nw_slot *sleepers;
    uint64_t futex_wakes; /* how often somebody called for it; read without the lock */
    uint32_t n_ending;    /* threads that have said that they end, and that nobody else has to wait for */
    struct nw_signals signals;
    uint64_t log_second, log_lines;
    struct nw_line_part *parts; /* of lines.c: lines that have yet to end */
    uint32_t n_parts;
    uint64_t arena_bytes; /* of our arenas, for what the engine has of it */
    uint64_t started_at;  /* ... and, once it is closing, since when */
    bool closing;         /* its function retires: func workers are destroyed, then it ends */
    bool loaded;          /* its program is mapped; the executor that runs its first flow does that */
    enum nw_status end_status;
    char reason[NW_REASON_MAX]; /* why it was torn down, or what it said when it could not start */
    uint8_t *xsave;             /* NW_DOMAIN_SLOTS save areas */
};

enum nw_function_state {
    NW_FUNCTION_NONE,
    NW_FUNCTION_LOADING, /* its first domain starts; the engine waits for LOADED or REFUSED */
    NW_FUNCTION_UP,      /* serves; a crashed domain is replaced */
    NW_FUNCTION_RETIRING,
};

/* A directory that the function was granted. */
struct nw_directory {
    char *path;
    size_t length;
    int fd; /* the directory itself, whatever becomes of the path */
    bool writable;
};

/* What a function of profile net may reach. The engine says it anew when names in its list lead elsewhere. */
struct nw_reach {
    pthread_mutex_t lock;
    bool everything;
    size_t n;
    struct nw_address_grant *addresses;
};

struct nw_function {
    enum nw_function_state state;
    uint32_t deployment;
    char name[NW_NAME_MAX + 1];
    int so;
    uint32_t slots;
    uint64_t timeout_ns;
    uint64_t memory;
    uint32_t threads;
    uint64_t static_tls; /* bytes for thread-local variables of what is loaded later */
    uint32_t profile;    /* enum nw_profile */
    struct nw_reach reach;
    uint32_t n_directories;
    struct nw_directory directories[NW_DIRECTORIES_MAX];
    struct nw_disk disk;
    char *cwd; /* where its domains begin; of PATH_MAX bytes */
    char *env; /* K=V NUL ... */
    size_t env_length;
    struct nw_domain *domain; /* the current one; release-stored when it is set, acquire-loaded by the nested call */
    struct nw_invocation *queue, **queue_tail;
    uint32_t queued; /* read without the lock by the nested call */
    bool inspected;  /* its file was found to be a function */
    bool silent;     /* it was refused: nobody waits to hear that it is retired */
    uint64_t retry_at;
    uint64_t lost_at;     /* when its last domain was torn down */
    uint64_t keeps;       /* ticks of the TSC that an executor needs for it, a moving mean */
    uint64_t memory_peak; /* the most that one of its domains had which are gone */
    uint64_t refused[8];  /* system call numbers that were refused and logged, one bit each */
};

/* A name that a nested call may use. Routes are never removed, so an index stays valid. */
struct nw_route {
    char name[NW_NAME_MAX + 1];
    struct nw_function *function; /* release/acquire; NULL when nothing of this name is active here */
};

struct nw_executor {
    struct nw_gate_thread gate; /* first */
    uint64_t monitor_fs;
    uint32_t id;
    uint32_t idle;
    uint32_t blocked;          /* in a system call that may take long; its token is another's */
    bool has_rights;           /* blocked: ... with those of the slot's domain */
    bool away;                 /* it runs no slot */
    uint32_t surfaced;         /* the last recall of a key that it knows of */
    struct nw_domain *in_free; /* whose list of free slots it changes as the lock's owner */
    pthread_t thread;
    uint32_t runs;            /* slots taken from the ready queue so far */
    struct nw_function *took; /* whose slot it took last, which, and when by the TSC */
    struct nw_slot *took_slot;
    uint64_t taken_at;
    uint32_t seen_runs;
    uint64_t seen_at;
    bool starting;
    struct {
        int signal; /* 0: the slot was preempted or its way out was cut short */
        int code;
        uint64_t address, at;
        long syscall;
        uint32_t arch;
    } trap;
};

/* The two variants of gate.S. */
struct nw_gate_variant {
    const char *enter, *inside, *signal, *resume, *exit, *exit_end;
    const char *as, *as_syscall, *as_cut, *as_end;
    long (*syscall_as)(uint32_t pkru, long number, const uint64_t args[6]);
    void (*leave)(struct nw_gate_context *context); /* does not return */
};

/* Who answers for a block of an arena. */
struct nw_owner {
    struct nw_domain *domain;
    uint64_t serial;
};

/* What joins us and one thread of the engine. */
struct nw_line {
    struct nw_owner *owners; /* of blocks in our arena, by where they begin: see payload.c */
    struct nw_channel channel;
    struct nw_desc *outbox; /* descriptors that found the ring full */
    size_t n_outbox, outbox_size;
};

struct nw_monitor {
    pthread_mutex_t lock;
    enum nw_mode mode;
    bool keyed;
    const struct nw_gate_variant *gate;
    uint32_t worker;
    int control;
    unsigned n_untold;                     /* messages that wait for the engine to read */
    int wake;                              /* eventfd: makes the control thread look at timers again */
    struct nw_line lines[NW_CHANNELS_MAX]; /* calls go by the first, whose doorbell serves all */
    uint32_t n_lines;
    struct nw_geometry geometry;
    struct nw_executor *executors[NW_EXECUTORS_MAX];
    uint32_t n_executors, n_tokens, n_blocked, n_idle;
    uint32_t n_awaiting;        /* slots that wait until they may block */
    struct nw_executor *leader; /* the idle executor that waits on the doorbell */
    pthread_cond_t work;
    struct nw_domain *ready[NW_PACES], **ready_tail[NW_PACES]; /* domains with ready slots and a key */
    uint64_t now, long_at; /* of the last watch; of the last turn of a slot of long pace while brief ones waited */
    struct nw_slot *arena_waiters;
    bool room_made; /* in an arena, without word from the engine: they try again at the next look at the rings */
    struct nw_invocation *spare_invocations;
    struct nw_function functions[NW_FUNCTIONS_MAX];
    struct nw_domain *domains[NW_DOMAINS_MAX];
    struct nw_route routes[NW_FUNCTIONS_MAX];
    uint32_t n_routes;
    uint16_t keys_free; /* bit k: hardware key k belongs to no domain */
    struct nw_domain *key_holder[NW_PKRU_KEYS];
    struct nw_domain *key_line; /* domains that wait for a key, those that may take one first in front */
    uint32_t n_recalls, n_called_back;
    uint64_t background_took; /* when a domain last took a key for what nobody waits for */
    uint64_t use_count;
    uint32_t next_tid;
    uint64_t refused;                       /* system calls so far */
    struct nw_images *images, *host_images; /* of code that functions bring along; of files that the host vouches for */
    int loader, stub;                       /* files: the host's ld.so, our program inside domains */
    struct nw_function *disks;              /* those that may fill directories, see disk.h */
    size_t xsave_size;
    uint32_t xsave_pkru_offset;
    uint64_t xsave_features; /* what the gate gives back, as far as this processor has it */
    uint64_t vdso;
    bool watch_rests;    /* the control thread sees nothing to watch: whoever begins to run something wakes it */
    uint64_t next_timer; /* when the control thread will look at timers by itself */
};

extern struct nw_monitor nw_m;

static inline struct nw_executor *nw_executor_of(struct nw_gate_thread *thread)
{
    return (struct nw_executor *)thread;
}

static inline struct nw_slot *nw_running(struct nw_executor *ex)
{
    return (struct nw_slot *)ex->gate.current;
}

/* Whether [start, start + length) lies inside the domain's range; nothing at all does, wherever it is. Says nothing of
 * what is mapped there. */
static inline bool nw_domain_holds(const struct nw_domain *domain, uint64_t start, uint64_t length)
{
    return nw_without(NW_DEFENCE_RANGES) || length == 0 ||
           (start >= domain->base && start <= domain->end && length <= domain->end - start);
}

/* The same for an address that the monitor goes on to use: also ahead of the check it lies in the domain, or nowhere.
 */
static inline bool nw_domain_confine(const struct nw_domain *domain, uint64_t *start, uint64_t length)
{
    const uint64_t size = domain->end - domain->base, offset = *start - domain->base;
    const uint64_t inside = nw_mask_below(offset, size + 1) & nw_mask_below(length, size - offset + 1);

    if (nw_without(NW_DEFENCE_RANGES) || nw_without(NW_DEFENCE_MASKS))
        return nw_domain_holds(domain, *start, length);
    *start |= ~inside;
    return inside != 0 || length == 0;
}

uint64_t nw_now(void); /* CLOCK_MONOTONIC, ns */

/* executor.c */
int nw_executors_init(uint32_t tokens);
struct nw_gate_context *nw_executor_next(struct nw_executor *ex); /* the next slot to run; sleeps until there is one */
void nw_executor_wake(void);                                      /* lock held: somebody should look for work */
void nw_executor_look(void);                                      /* lock held: the leader looks at the rings anew */
void nw_executors_kick(void);                                     /* every executor looks at what it runs */
enum nw_pace nw_executor_pace(const struct nw_executor *ex);      /* of the slot that it took last */
int nw_executor_start(void);                                      /* lock held, but not meanwhile */
void nw_wake_control(void); /* the control thread looks at functions and timers again */

/* blocked.c; lock NOT held */
int nw_executor_block(struct nw_executor *ex); /* before a call that may take long: another gets the token; -EAGAIN */
void nw_executor_unblock(struct nw_executor *ex); /* after it */
/* The slot makes its system call again when it may block, or at `until` (0: never). False: its domain is dying. */
bool nw_blocked_await(struct nw_slot *slot, long number, uint64_t until);
void nw_blocked_unused(struct nw_slot *slot); /* lock held: its call, which might have blocked, did not */

/* schedule.c; lock held */
void nw_ready(struct nw_slot *slot); /* the caller schedules next, or calls nw_executor_wake */
struct nw_slot *nw_ready_take(void);
void nw_ready_remove(struct nw_slot *slot);
bool nw_ready_any(void);                       /* somebody waits for an executor */
void nw_ready_all(struct nw_domain *domain);   /* it has a key from now on */
void nw_unready_all(struct nw_domain *domain); /* it has none any more */
void nw_sleep(struct nw_slot *slot, enum nw_slot_state state, uint64_t wake_at);
void nw_sleepers_remove(struct nw_slot *slot);
uint64_t nw_timers_run(uint64_t now); /* when to come again */
bool nw_watch(uint64_t now);          /* deadlines and quanta; false: nothing runs that would need watching */

/* slot.c; lock held unless said otherwise */
struct nw_slot *nw_slot_new(struct nw_domain *domain);
void nw_slot_end(struct nw_slot *slot);
void nw_slot_result(struct nw_slot *slot, long result); /* any lock: of its system call, however it was made */
void nw_slot_again(struct nw_slot *slot);               /* any lock: its system call was not begun */
void nw_slot_began(struct nw_slot *slot);               /* any lock: it was nevertheless, and gets a result */
void nw_slot_state_reset(struct nw_slot *slot);         /* any lock: its extended state is clean */

/* domain.c */
/* On the control thread. Lock held on entry and on return, but not meanwhile. NULL: an error and why, for people. */
struct nw_domain *nw_domain_new(struct nw_function *function, int *error, char why[NW_REASON_MAX]);

/* burial.c; lock held, and no slot may be left. The first is for what has never run, and does it at once. */
void nw_domain_destroy(struct nw_domain *domain);
void nw_domain_bury(struct nw_domain *domain);
int nw_burial_init(void); /* before any domain is made, and while the process may still start threads at will */

/* load.c: maps stub and ld.so and prepares the first flow. On the executor that runs it. */
int nw_domain_load(struct nw_domain *domain, struct nw_slot *first);

/* memory.c, remap.c: the memory system calls of a domain. They return what the system call would; -NW_CALL_CUT when a
 * kick of the executor, NULL if there is none, cut them short. */
long nw_memory_map(struct nw_executor *ex, struct nw_domain *d, const uint64_t args[6]);
long nw_memory_unmap(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length);
long nw_memory_protect(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length,
                       uint64_t prot);
long nw_memory_remap(const struct nw_executor *ex, struct nw_domain *d, const uint64_t args[6]);
long nw_memory_advise(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length,
                      uint64_t advice);

/* teardown.c; lock held */
void nw_domain_kill(struct nw_domain *domain, enum nw_status status, const char *reason);
void nw_domain_exit(struct nw_domain *domain); /* its func workers have ended: its first flow ends the program */
void nw_slot_reap(struct nw_slot *slot);       /* a slot of a dying domain that belongs to nobody any more */
void nw_dying_sweep(void);                     /* reaps func workers that were given back to dying domains */

/* invoke.c: invocations and their results; lock held but for the slow paths of the gate, which take it */
void nw_function_feed(struct nw_function *function);
void nw_function_enqueue(struct nw_function *function, struct nw_invocation *invocation);
void nw_function_enqueue_first(struct nw_function *function, struct nw_invocation *invocation);
void nw_queue_cancel(struct nw_slot *caller); /* the queued nested call fails with ETIMEDOUT */
void nw_queue_forget(struct nw_slot *caller); /* drops the queued nested call of a slot that will not run again */
struct nw_invocation *nw_invocation_new(void);
void nw_invocation_free(struct nw_invocation *invocation);
void nw_invocation_fail(struct nw_invocation *invocation, enum nw_status status, long error, const char *reason);
struct nw_gate_context *nw_turn(struct nw_slot *slot); /* a func worker has answered: it goes on, or NULL: it waits */
void nw_workers_dismiss(struct nw_domain *domain);     /* lets free func workers destroy their handles and end */
/* 0, or what nw_carry says; `carrier` as there. */
long nw_hold(const struct nw_slot *carrier, struct nw_slot *caller, struct nw_source output);
void nw_held_drop(struct nw_slot *caller);
void nw_invocation_ended(struct nw_slot *slot);
void nw_input_failed(struct nw_slot *slot); /* the func worker has another turn */
void nw_answer(struct nw_slot *callee, enum nw_status status, const char *reason);
struct nw_gate_context *nw_slow_wait(struct nw_executor *ex, struct nw_slot *slot);
struct nw_gate_context *nw_slow_call(struct nw_executor *ex, struct nw_slot *slot, const struct nw_route *route,
                                     struct nw_source input);

/* extra.c: func workers beyond the slots; lock held */
bool nw_extra_possible(const struct nw_domain *domain);
void nw_extra_make(struct nw_domain *domain);                   /* unless one is on its way */
void nw_extra_end_idle(struct nw_domain *domain, uint64_t now); /* at every look of the watch */

/* remote.c: the rings; lock held */
bool nw_ring_poll(void);
int nw_send_output(struct nw_slot *slot); /* -EAGAIN: the arena or the ring is full */
void nw_complete(struct nw_ticket ticket, enum nw_status status, const char *reason);
int nw_send_call(struct nw_slot *slot); /* the same */
void nw_arena_wait(struct nw_slot *slot);
void nw_arena_forget(struct nw_slot *slot);
void nw_post_flush(void);
void nw_line_add(const struct nw_control_message *message);
bool nw_line_waits(void); /* a hint: something came, or waits to be sent */

/* op.c: the operations of the gate that are not the nested call; takes the lock */
struct nw_gate_context *nw_slow_op(struct nw_executor *ex, struct nw_slot *slot, uint64_t op, uint64_t a1, uint64_t a2,
                                   uint64_t a3, uint64_t a4);

/* policy.c: a domain's system call was caught */
struct nw_gate_context *nw_syscall_trapped(struct nw_executor *ex, struct nw_slot *slot);
/* The same for NW_OP_SYSCALL. Entered with the domain's FS base. */
struct nw_shortcut_call;
struct nw_gate_context *nw_syscall_direct(struct nw_executor *ex, struct nw_slot *slot,
                                          const struct nw_shortcut_call *asked);
bool nw_syscall_is_direct(uint32_t number); /* may come as NW_OP_SYSCALL */

/* grants.c: what a function may reach, from the lists of its manifest. The fds are taken over whatever comes of it. */
int nw_grants_init(struct nw_function *function, const char *connect, const char *directories, const int *fds,
                   int n_fds);
void nw_grants_fini(struct nw_function *function);
/* From now on these, and nothing else. */
int nw_grants_reach(struct nw_function *function, const struct nw_address_grant *addresses, size_t n);
bool nw_grants_reached(struct nw_function *function, const uint8_t address[16], uint16_t port);

/* function.c: what the engine asks of functions; lock held. The message's fds are taken over. */
void nw_function_load(const struct nw_control_message *message);
void nw_function_started(struct nw_domain *domain);
void nw_function_domain_lost(struct nw_domain *domain, enum nw_status status, const char *reason);
void nw_function_activate(uint32_t deployment);
void nw_function_reach(const struct nw_control_message *message);
void nw_function_retire(uint32_t deployment);
void nw_function_settle(struct nw_function *function); /* a retiring function may have nothing left to do */
bool nw_functions_tend(uint64_t now); /* makes missing domains, for which it lets go of the lock; ends retired
                                         functions; true: look again soon */
int nw_function_inspect(struct nw_function *function, char reason[NW_REASON_MAX]); /* lock NOT held; before it runs */
struct nw_function *nw_function_find(uint32_t deployment);
int nw_route_find(const char *name);

/* report.c; lock held */
void nw_tell_engine(uint32_t kind, uint32_t deployment, int64_t value, const char *text);
void nw_tell_rest(void);                   /* what the engine was too slow to take */
bool nw_tell_usage(uint64_t now);          /* when it changed, but not too often; true: look again soon */
bool nw_tell_holds(uint64_t now);          /* what domains hold; the same */
bool nw_may_log(struct nw_domain *domain); /* any lock: whether a line about it fits this second */

#endif
