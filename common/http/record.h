/*
 * A record: a number and a list of texts in one piece of memory, so that it travels in one copy. A request that a
 * function asks for is one, and so is the head of an answer that a function makes. What the texts mean is said here;
 * whether they may stand in an answer is for the engine to decide (engine/http/syntax/answer.h).
 *
 * Whoever reads one did not write it: the whole of it is checked when it is opened.
 *
 *     version u16 | status u16 | texts u32 | { length u32 | bytes | NUL } ...
 */
#ifndef NW_COMMON_HTTP_RECORD_H
#define NW_COMMON_HTTP_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The texts of a request; behind them the name and the value of each header field. An answer has those alone. */
enum nw_request_text {
    NW_REQUEST_ID,
    NW_REQUEST_CALLER, /* the function that calls; empty: a client */
    NW_REQUEST_METHOD,
    NW_REQUEST_PATH,   /* behind the function's name, as it was sent */
    NW_REQUEST_QUERY,  /* behind the question mark, as it was sent */
    NW_REQUEST_CLIENT, /* its address */
    NW_REQUEST_TEXTS
};

#define NW_RECORD_HEAD     8
#define NW_RECORD_OVERHEAD 5    /* bytes that a text takes beside its own */
#define NW_ANSWER_MAX      4096 /* bytes of the record of an answer */
#define NW_REQUEST_PIECE   4096 /* bytes of the record of a request that cross the gate at a time */

struct nw_record_writer {
    char *at;
    size_t room, length;
    uint32_t texts;
};

/* Begins a record in `room` bytes, at least NW_RECORD_HEAD. */
void nw_record_begin(struct nw_record_writer *writer, char *at, size_t room);

/* False: it does not fit; the record is as it was. */
bool nw_record_add(struct nw_record_writer *writer, const char *text, size_t length);

/* The length of the record, which is complete. */
size_t nw_record_end(struct nw_record_writer *writer, unsigned status);

struct nw_record {
    const char *at; /* the next text */
    uint32_t left;  /* how many there are */
    unsigned status;
};

/* 0, or -EPROTO: it is no record, to its last byte. The memory must not change as long as it is read. */
int nw_record_open(struct nw_record *record, const char *bytes, size_t length);

/* The next text, which a NUL ends and in which there is none; NULL behind the last. */
const char *nw_record_next(struct nw_record *record, size_t *length);

#endif
