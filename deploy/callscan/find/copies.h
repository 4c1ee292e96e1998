/* What a single write puts in place, and writes of single bytes that belong to a copy. */
#ifndef NW_DEPLOY_CALLSCAN_FIND_COPIES_H
#define NW_DEPLOY_CALLSCAN_FIND_COPIES_H

#include "deploy/callscan/find/texts.h"
#include "deploy/callscan/find/writes.h"

/* The bytes of a copy of a constant number of bytes from one constant: how many, -1 when it is not one. */
long nw__copy_bytes(struct nw_flow *flow, const struct nw_write *write, char *bytes, size_t room);

/* The bytes of the one constant that a pointer leads to, and the one number that a value is. */
long nw__constant_bytes(struct nw_flow *flow, LLVMValueRef pointer, char *bytes, size_t room);
bool nw__one_number(struct nw_flow *flow, LLVMValueRef value, int64_t *number);

/* Whether a write sets the NUL behind a copy of as many bytes as its place says: the length of a std::string. */
bool nw__write_is_end(struct nw_flow *flow, const struct nw_writes *writes, uint32_t object,
                      const struct nw_write *write);

/* Whether it stores how much room a std::string has on the heap, where its bytes would lie otherwise. */
bool nw__write_is_capacity(const struct nw_write *write);

/* Whether it sets the NUL that is `length` bytes behind a place, by a number that is known. */
bool nw__write_ends(struct nw_flow *flow, const struct nw_write *write, int64_t length);

/* Whether it copies the only byte of a text, where a copy beside it does so for longer ones. */
bool nw__write_is_first_byte(struct nw_flow *flow, const struct nw_writes *writes, uint32_t object,
                             const struct nw_write *write);

#endif
