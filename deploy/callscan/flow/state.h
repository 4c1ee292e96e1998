/*
 * The state of the data flow. Each value and each piece of memory is a node with a set of targets; a use of a node says
 * what follows from each target that it gets. A set only grows, so the work ends when no node has news.
 */
#ifndef NW_DEPLOY_CALLSCAN_FLOW_STATE_H
#define NW_DEPLOY_CALLSCAN_FLOW_STATE_H

#include "deploy/callscan/flow/flow.h"
#include "deploy/callscan/ir/grow.h"

/* Bounds. Beyond the first three a set, or an object, is known less precisely; beyond the others nothing is complete.
 */
#define NW__TARGETS_MAX 256u /* of a node; then it is unknown, too */
#define NW__PLACES_MAX  12u  /* of one object in a node; then they become one with a stride */
#define NW__CELLS_MAX   512u /* of an object; then it is all one cell */
#define NW__NODES_MAX   (8u << 20)
#define NW__STEPS_MAX   (256u << 20)

#define NW__NO_NODE  UINT32_MAX
#define NW__ANYWHERE INT64_MIN

enum nw__use_kind {
    NW__USE_COPY,    /* `other` gets it, too */
    NW__USE_SHIFT,   /* `other` gets it moved by `number` bytes (NW__ANYWHERE: by any number), with `stride` */
    NW__USE_LOAD,    /* `other` gets what lies there, `number` bytes on */
    NW__USE_STORE,   /* what `other` holds lies there from now on, `number` bytes on */
    NW__USE_COMPUTE, /* the number that the instruction `value` computes is computed again */
    NW__USE_CALL,    /* the instruction `value` may call it */
    NW__USE_FROM,    /* the copy of memory `value` has this source */
    NW__USE_TO,      /* and this destination */
    NW__USE_START,   /* it is called later, each of its parameters being what `other` holds */
    NW__USE_ROW,     /* `other` gets what the distances in the table there lead to */
    NW__USE_LENGTH,  /* `other` gets the length of the text there */
    NW__USE_STRING,  /* a std::string lies there, whose pointer leads to its own bytes */
    NW__USE_ESCAPE,  /* code that was not seen gets it, by the call `value` or by what it got before (NULL) */
    NW__USE_FILL,    /* code that was not seen writes there */
};

struct nw__use {
    uint32_t kind;
    uint32_t other;
    uint32_t stride;
    int64_t number;
    LLVMValueRef value;
};

struct nw__node {
    struct nw_target *targets;
    size_t n_targets, targets_room;
    size_t n_done; /* targets that every use has seen */
    struct nw__use *uses;
    size_t n_uses, uses_room;
    bool queued, saturated;
};

/* A piece of memory within an object, or with a stride many. */
struct nw__cell {
    int64_t offset;
    uint32_t stride;
    uint32_t node;
};

/* A copy from this object to another one: bytes [offset, offset + length). */
struct nw__block {
    int64_t offset, length; /* length INT64_MAX: not known */
    uint32_t stride;
    struct nw_target to;
};

struct nw__object {
    enum nw_object_kind kind;
    LLVMValueRef value;
    uint64_t size; /* UINT64_MAX: not known */
    struct nw__cell *cells, *readers;
    size_t n_cells, cells_room, n_readers, readers_room;
    struct nw__block *blocks;
    size_t n_blocks, blocks_room;
    int64_t shared_from;  /* code that was not seen may write to it from here on; INT64_MAX: to nothing */
    int64_t library_from; /* or the C++ library may */
    bool escaped;         /* and read it */
    LLVMValueRef escaped_by;
};

/* What lower files ask of higher ones. */
struct nw__rules {
    /* What follows from one target of a node with this use. */
    void (*follow)(struct nw_flow *flow, struct nw__use use, struct nw_target target);
    /* A function is reached: what its instructions say. */
    void (*look_through)(struct nw_flow *flow, LLVMValueRef function);
    /* What a leaf of a constant may be, and what lies in a variable from the start. */
    void (*add_constant)(struct nw_flow *flow, uint32_t node, LLVMValueRef constant, unsigned leaf);
    void (*initialise)(struct nw_flow *flow, uint32_t object);
};

struct nw_flow {
    const struct nw__rules *rules;
    LLVMModuleRef module;
    LLVMTargetDataRef layout;
    struct nw__node *nodes;
    size_t n_nodes, nodes_room;
    struct nw__object *objects;
    size_t n_objects, objects_room;
    struct nw_table node_of;   /* (value, leaf) -> node */
    struct nw_table object_of; /* (value, kind) -> object */
    struct nw_table reached;   /* functions */
    uint32_t *queue;           /* nodes with news, first in first out */
    size_t queue_first, queue_n, queue_room;
    LLVMValueRef *bodies; /* functions that were reached and not looked through yet */
    size_t n_bodies, bodies_room;
    LLVMValueRef *leaves;
    size_t n_leaves, leaves_room;
    struct nw_table left; /* calls among leaves */
    uint32_t escaped;     /* the node of everything that code not seen may hold */
    uint32_t thrown;      /* of everything that was thrown */
    uint64_t steps;
    bool whole, complete;
};

/* ---- nodes (nodes.c) ---- */

uint32_t nw__node_new(struct nw_flow *flow);

/* The node of a leaf of a value; that of a constant has its targets already. */
uint32_t nw__node_of(struct nw_flow *flow, LLVMValueRef value, unsigned leaf);

void nw__add_target(struct nw_flow *flow, uint32_t node, struct nw_target target);
void nw__add_unknown(struct nw_flow *flow, uint32_t node);
void nw__add_data(struct nw_flow *flow, uint32_t node);
void nw__add_use(struct nw_flow *flow, uint32_t node, struct nw__use use);
void nw__copy(struct nw_flow *flow, uint32_t from, uint32_t to);

/* Works until no node has news. */
void nw__solve(struct nw_flow *flow);

/* ---- objects (memory.c) ---- */

uint32_t nw__object_of(struct nw_flow *flow, enum nw_object_kind kind, LLVMValueRef value);

/* The node of what lies at a place, `extra` bytes on. */
uint32_t nw__cell(struct nw_flow *flow, struct nw_target target, int64_t extra);

/* `node` gets whatever lies there. */
void nw__load(struct nw_flow *flow, struct nw_target target, int64_t extra, uint32_t node);

/* What lies in [from, from + length) lies at `to` as well. */
void nw__copy_block(struct nw_flow *flow, struct nw_target from, struct nw_target to, int64_t length);

/* Code that was not seen may write there, or further on in the same object. */
void nw__share(struct nw_flow *flow, struct nw_target target);

/* The C++ library may. */
void nw__share_library(struct nw_flow *flow, uint32_t object);

/* And read it. `by` is the call that gives it away, or NULL. */
void nw__escape(struct nw_flow *flow, uint32_t object, LLVMValueRef by);

/* ---- types and constants (constants.c, leaves.c) ---- */

struct nw__leaf {
    uint64_t offset;
    LLVMTypeRef type;
};

#define NW__LEAVES_MAX 32u

/* The scalars that a type consists of, at most NW__LEAVES_MAX: how many. */
unsigned nw__leaves(struct nw_flow *flow, LLVMTypeRef type, struct nw__leaf leaves[NW__LEAVES_MAX]);

/* Adds what a leaf of a constant may be. */
void nw__add_constant(struct nw_flow *flow, uint32_t node, LLVMValueRef constant, unsigned leaf);

/* Adds what the distances in a constant table of the optimiser lead to. */
void nw__add_rows(struct nw_flow *flow, uint32_t node, LLVMValueRef table);

/* Fills the cells of a variable from its initial value. */
void nw__initialise(struct nw_flow *flow, uint32_t object);

/* How far a GEP moves its pointer: a constant part, and the greatest number that divides the rest (0 for none). */
void nw__gep(struct nw_flow *flow, LLVMValueRef gep, int64_t *offset, uint32_t *stride);

/* ---- what follows from code ---- */

/* A function is called: its body will be looked through. */
void nw__reach(struct nw_flow *flow, LLVMValueRef function);
void nw__follow(struct nw_flow *flow, struct nw__use use, struct nw_target target);
void nw__look_through(struct nw_flow *flow, LLVMValueRef function);

/* The number that an instruction computes (numbers.c). */
bool nw__is_computed(LLVMOpcode opcode);
void nw__watch_operands(struct nw_flow *flow, LLVMValueRef instruction);
void nw__compute(struct nw_flow *flow, LLVMValueRef instruction);

/* A call instruction, and each function that it may call (calls.c). */
void nw__add_call(struct nw_flow *flow, LLVMValueRef call);
void nw__call_target(struct nw_flow *flow, LLVMValueRef call, struct nw_target target);

/* A call of code whose body is not there, or not looked at (outside.c). */
void nw__call_outside(struct nw_flow *flow, LLVMValueRef call, LLVMValueRef function);
void nw__call_unknown(struct nw_flow *flow, LLVMValueRef call, bool leaves);

/* The copy that `call` makes has one more source, or destination. */
void nw__block_news(struct nw_flow *flow, LLVMValueRef call, struct nw_target target, bool is_source);

/* Calls of std::string's methods (strings.c): whether the function is one, and its effect. */
bool nw__is_string_method(LLVMValueRef function);
void nw__call_string(struct nw_flow *flow, LLVMValueRef call, LLVMValueRef function);

/* A node with one use more: what `from` holds, moved. */
uint32_t nw__moved(struct nw_flow *flow, uint32_t from, int64_t offset, uint32_t stride);
void nw__store_at(struct nw_flow *flow, uint32_t pointer, int64_t offset, uint32_t value, LLVMValueRef by);
void nw__load_at(struct nw_flow *flow, uint32_t pointer, int64_t offset, uint32_t to);

/* The node of what a function returns. */
uint32_t nw__returned(struct nw_flow *flow, LLVMValueRef function, unsigned leaf);

#endif
