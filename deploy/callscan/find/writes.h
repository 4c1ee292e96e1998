/* What the code that is reached writes to each object, in bytes. */
#ifndef NW_DEPLOY_CALLSCAN_FIND_WRITES_H
#define NW_DEPLOY_CALLSCAN_FIND_WRITES_H

#include "deploy/callscan/flow/flow.h"
#include "deploy/callscan/ir/grow.h"

enum nw_write_kind {
    NW_WRITE_UNKNOWN,
    NW_WRITE_STORE,   /* the value of a store */
    NW_WRITE_ZEROES,  /* memset with 0 */
    NW_WRITE_COPY,    /* the bytes at `source`, as many as `length` says */
    NW_WRITE_TEXT,    /* the text at `source` */
    NW_WRITE_PRINT,   /* what the call prints by the format `source` */
    NW_WRITE_RANGE,   /* the bytes from `source` to `length` */
    NW_WRITE_STRING,  /* the text of the std::string `source` */
    NW_WRITE_REPLACE, /* the bytes at `source` in place of a part of the string */
};

struct nw_write {
    enum nw_write_kind kind;
    LLVMValueRef by; /* the instruction */
    LLVMValueRef source, length;
    int64_t offset;
    int64_t size; /* bytes from the offset on that it may change; INT64_MAX: not known */
    uint32_t stride;
    uint32_t next; /* of the same object */
};

struct nw_writes {
    struct nw_write *at;
    size_t n, room;
    struct nw_table first; /* of an object */
};

void nw__writes_init(struct nw_writes *writes, struct nw_flow *flow);
void nw__writes_fini(struct nw_writes *writes);

/* The first write to an object, NULL for none, and the one behind another. */
const struct nw_write *nw__writes_of(const struct nw_writes *writes, uint32_t object);
const struct nw_write *nw__write_next(const struct nw_writes *writes, const struct nw_write *write);

#endif
