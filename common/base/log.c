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
#include <time.h>
#include <unistd.h>

#define LINE_SIZE   4096 /* longer lines are cut; at most PIPE_BUF, so that a line goes into a pipe whole */
#define HEAD_ROOM   80   /* of a line of text, for what is in front of it, and the newline */
#define EXIT_USAGE  2
#define EXIT_SYSTEM 111

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *program_name = "nightward";
static enum nw_log_level most_verbose = NW_LOG_INFO;
static enum nw_log_format line_format = NW_LOG_TEXT;
static uint32_t lost; /* lines that nobody took since the last one that was written */

void nw_log_init(const char *program, enum nw_log_level level)
{
    int format = nw_log_format_parse(getenv(NW_LOG_FORMAT_VARIABLE) ? getenv(NW_LOG_FORMAT_VARIABLE) : "");

    program_name = program;
    most_verbose = level;
    line_format = format < 0 ? NW_LOG_TEXT : (enum nw_log_format)format;
}

int nw_log_format_parse(const char *name)
{
    static const char *const names[] = {[NW_LOG_TEXT] = "text", [NW_LOG_LOGFMT] = "logfmt", [NW_LOG_JSON] = "json"};

    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
        if (!strcmp(name, names[i]))
            return i;
    return -EINVAL;
}

enum nw_log_format nw_log_format(void)
{
    return line_format;
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

/* Bytes of the UTF-8 sequence at `p` (Unicode table 3-7); 0: it is none, which JSON does not allow. */
static size_t utf8_length(const unsigned char *p, const unsigned char *end)
{
    size_t length = *p < 0x80                 ? 1
                    : *p >= 0xc2 && *p < 0xe0 ? 2
                    : *p >= 0xe0 && *p < 0xf0 ? 3
                    : *p >= 0xf0 && *p < 0xf5 ? 4
                                              : 0;
    bool good = length && length <= (size_t)(end - p);

    for (size_t i = 1; good && i < length; i++)
        good = (p[i] & 0xc0) == 0x80;
    if (good && length > 2) /* neither too long, nor half of a pair, nor behind the last */
        good = !(*p == 0xe0 && p[1] < 0xa0) && !(*p == 0xed && p[1] > 0x9f) && !(*p == 0xf0 && p[1] < 0x90) &&
               !(*p == 0xf4 && p[1] > 0x8f);
    return good ? length : 0;
}

/* Text without control characters as the inside of a quoted string; there is room for twice its length. */
static size_t quote(char *out, const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + length;
    size_t n = 0;

    while (p < end) {
        size_t bytes = utf8_length(p, end);

        if (*p == '"' || *p == '\\')
            out[n++] = '\\';
        if (bytes)
            memcpy(out + n, p, bytes);
        else
            out[n] = '?';
        n += bytes ? bytes : 1;
        p += bytes ? bytes : 1;
    }
    return n;
}

/* Everything in front of a line's text. */
static size_t begin_line(char *line, size_t size, enum nw_log_level level)
{
    struct timespec now;
    struct tm tm;
    char time[24];

    if (line_format == NW_LOG_TEXT)
        return (size_t)snprintf(line, size, "%.48s: %s: ", program_name, level_names[level]);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &tm);
    return (size_t)snprintf(line, size,
                            line_format == NW_LOG_JSON
                                ? "{\"time\":\"%s.%06ldZ\",\"level\":\"%s\",\"program\":\"%.48s\",\"message\":\""
                                : "time=%s.%06ldZ level=%s program=%.48s msg=\"",
                            time, now.tv_nsec / 1000, level_names[level], program_name);
}

/* Writes a line whose text is escaped already, and as long as fits when each of its bytes is quoted. */
static void put_line(enum nw_log_level level, const char *text, size_t length)
{
    char line[LINE_SIZE];
    size_t n = begin_line(line, sizeof line, level);

    if (line_format == NW_LOG_TEXT) {
        memcpy(line + n, text, length);
        n += length;
    } else {
        n += quote(line + n, text, length);
        line[n++] = '"';
        if (line_format == NW_LOG_JSON)
            line[n++] = '}';
    }
    write_line(line, n);
}

static void say_lost(void)
{
    uint32_t n = nw_load_relaxed(&lost) && may_write() ? nw_exchange(&lost, 0u) : 0; /* with the add in write_line */
    char text[80];

    if (n)
        put_line(NW_LOG_WARN, text,
                 (size_t)snprintf(text, sizeof text, "%u lines of this log are lost: it was full", n));
}

/* As many bytes as fit into one line, behind the prefix. Returns the first that did not. */
static const unsigned char *put(enum nw_log_level level, const char *prefix, const unsigned char *bytes,
                                const unsigned char *end)
{
    char line[LINE_SIZE];
    const size_t room = (line_format == NW_LOG_TEXT ? LINE_SIZE : LINE_SIZE / 2) - HEAD_ROOM;
    const unsigned char *text = (const unsigned char *)prefix;
    size_t length = escape(line, room / 2, &text, text + strlen(prefix));

    length += escape(line + length, room - length, &bytes, end);
    say_lost();
    put_line(level, line, length);
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
