/* The log lines of log.h. */
#include "common/base/log.h"
#include "common/base/atomic.h"
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE   4096 /* longer lines are cut; at most PIPE_BUF, so that a line goes into a pipe whole */
#define EXIT_USAGE  2
#define EXIT_SYSTEM 111

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *program_name = "nightward";
static enum nw_log_level most_verbose = NW_LOG_INFO;
static uint32_t lost; /* lines that nobody took since the last one that was written */

void nw_log_init(const char *program, enum nw_log_level level)
{
    program_name = program;
    most_verbose = level;
}

/* The length of the control character at `p`, or 0: C0, DEL, and C1 as UTF-8 writes it (C2 80 to C2 9F). */
static size_t control_length(const unsigned char *p, const unsigned char *end)
{
    if (*p < 0x20 || *p == 0x7f)
        return 1;
    return *p == 0xc2 && end - p > 1 && p[1] >= 0x80 && p[1] < 0xa0 ? 2 : 0;
}

static size_t escape_control(char *out, const unsigned char *p, size_t length)
{
    size_t n = 0;

    if (*p == '\n' || *p == '\t')
        return (size_t)sprintf(out, *p == '\n' ? "\\n" : "\\t");
    for (size_t i = 0; i < length; i++)
        n += (size_t)sprintf(out + n, "\\x%02x", p[i]);
    return n;
}

/* Escapes bytes into `out`, as many as fit. Returns the bytes written; *bytes is then the first that did not fit. */
static size_t escape(char *out, size_t size, const unsigned char **bytes, const unsigned char *end)
{
    size_t length = 0;

    while (*bytes < end && length + sizeof "\\x00\\x00" <= size) {
        size_t control = control_length(*bytes, end);

        if (control)
            length += escape_control(out + length, *bytes, control);
        else
            out[length++] = (char)**bytes;
        *bytes += control ? control : 1;
    }
    return length;
}

/* Whoever reads the log may be slow or asleep; nobody waits for that. A file always takes a line, a full pipe does not.
 */
static bool may_write(void)
{
    struct pollfd log = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&log, 1, 0) == 1 && (log.revents & POLLOUT);
}

static void write_line(char *line, size_t length)
{
    line[length++] = '\n';
    if (!may_write() || write(STDERR_FILENO, line, length) < 0)
        nw_add_fetch(&lost, 1u); /* pairs with the exchange in say_lost */
}

static void say_lost(void)
{
    uint32_t n = nw_load_relaxed(&lost) && may_write() ? nw_exchange(&lost, 0u) : 0; /* with the add in write_line */
    char line[LINE_SIZE];

    if (n)
        write_line(line, (size_t)snprintf(line, sizeof line, "%.48s: warn: %u lines of this log are lost: it was full",
                                          program_name, n));
}

/* As many bytes as fit into one line, behind the prefix. Returns the first that did not. */
static const unsigned char *put(enum nw_log_level level, const char *prefix, const unsigned char *bytes,
                                const unsigned char *end)
{
    char line[LINE_SIZE];
    size_t length = (size_t)snprintf(line, sizeof line, "%.48s: %s: ", program_name, level_names[level]);
    const unsigned char *text = (const unsigned char *)prefix;

    length += escape(line + length, LINE_SIZE / 2 - length, &text, text + strlen(prefix));
    length += escape(line + length, sizeof line - 1 - length, &bytes, end);
    say_lost();
    write_line(line, length);
    return bytes;
}

static void put_text(enum nw_log_level level, const char *format, va_list args)
{
    char text[LINE_SIZE];

    vsnprintf(text, sizeof text, format, args);
    put(level, "", (const unsigned char *)text, (const unsigned char *)text + strlen(text));
}

void nw_log(enum nw_log_level level, const char *format, ...)
{
    if (level > most_verbose)
        return;
    int saved = errno;
    va_list args;
    va_start(args, format);
    put_text(level, format, args);
    va_end(args);
    errno = saved;
}

void nw_log_bytes(enum nw_log_level level, const char *prefix, const void *bytes, size_t length)
{
    const unsigned char *at = bytes, *end = at + length;

    if (level > most_verbose)
        return;
    int saved = errno;
    do
        at = put(level, prefix, at, end);
    while (at < end);
    errno = saved;
}

void nw_die_system(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_text(NW_LOG_ERROR, format, args);
    va_end(args);
    exit(EXIT_SYSTEM);
}

void nw_die_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_text(NW_LOG_ERROR, format, args);
    va_end(args);
    exit(EXIT_USAGE);
}
