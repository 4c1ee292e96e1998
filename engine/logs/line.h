/*
 * One line of a function's log as it is kept: a JSON object on a line of its own, whose members are always the same, in
 * the same order, all but the last of them the engine's own words. Text of a function comes last and escaped, so that
 * no byte of it is taken for anything else.
 */
#ifndef NW_ENGINE_LOGS_LINE_H
#define NW_ENGINE_LOGS_LINE_H

#include "common/base/buffer.h"
#include "common/manifest/manifest.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_LOG_TIME    28 /* bytes of a time, and NUL */
#define NW_LOG_VERSION 13
#define NW_LOG_REQUEST 65

enum nw_log_stream {
    NW_LOG_STDOUT = 1, /* as the descriptors are numbered */
    NW_LOG_STDERR = 2,
    NW_LOG_HOST, /* what Nightward says of the function */
};

struct nw_log_line {
    uint64_t time; /* us since 1970 */
    enum nw_log_stream stream;
    uint32_t worker, slot;
    char version[NW_LOG_VERSION]; /* "": not known */
    char request[NW_LOG_REQUEST]; /* the id of the request that it was written for; "": none, or not known */
    size_t length;                /* of its text, which may be any bytes */
};

/* Microseconds since 1970, now; and a time as RFC 3339 has it, in UTC. */
uint64_t nw_log_now(void);
void nw_log_time(char text[NW_LOG_TIME], uint64_t time);

/* Adds a line with its newline. 0 or -ENOMEM. */
int nw__log_line_write(struct nw_buffer *out, const char *function, const struct nw_log_line *line, const char *text);

/* Whether bytes without a newline are such an object, whole: files may be damaged. */
bool nw__log_line_is_whole(const char *line, size_t length);

/* Whether a whole line is not older than a time (as text), and of a request, unless that is "". */
bool nw__log_line_fits(const char *line, size_t length, const char since[NW_LOG_TIME], const char *request);

#endif
