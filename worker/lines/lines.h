/*
 * What functions write to standard output and error, as lines of the log and of the function's own (said.h). A line
 * ends with a newline, or when nothing more came for NW_LINE_REST_NS, or with the invocation that wrote it; however
 * many writes it took, it is one line, and each thread of a function has lines of its own. Nothing is lost but what is
 * over the domain's share of lines, of which is said how much it was.
 *
 * Has a lock of its own, below all others. Lines are written to the log with that lock held: nw_log waits for nobody.
 */
#ifndef NW_WORKER_LINES_LINES_H
#define NW_WORKER_LINES_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_LINE_REST_NS 50000000ull

struct nw_account;
struct nw_line_part;

/* Part of a domain, zeroed before the first use: lines that have yet to end. */
struct nw_lines {
    struct nw_account *account;
    uint32_t deployment;
    struct nw_line_part *parts;
    uint32_t n;
    uint32_t lost;         /* lines that were dropped since the engine was told of some */
    uint64_t lost_at;      /* the last of them */
    bool waits;            /* has parts or lost lines, and so is ... */
    struct nw_lines *next; /* ... in the list of those that do */
};

/* The writer: a thread of the domain, known by its address, and the invocation that it runs; and what the engine calls
 * that (nw_said). */
struct nw_line_writer {
    const void *thread;
    uint32_t sequence;
    uint16_t slot;
    uint8_t channel;
    uint64_t invocation;
};

/* Adds bytes that were written to `stream` (STDOUT_FILENO or STDERR_FILENO). */
void nw_lines_add(struct nw_lines *lines, struct nw_line_writer writer, int stream, const char *bytes, size_t length);

/* The thread, or the invocation that it ran, has ended: what it wrote without an end of line becomes a line. */
void nw_lines_end(struct nw_lines *lines, const void *thread);

/* Makes lines of what was left without an end of line for long enough. Returns when to call again: CLOCK_MONOTONIC, ns;
 * UINT64_MAX when nothing is left. */
uint64_t nw_lines_rest(uint64_t now);

#endif
