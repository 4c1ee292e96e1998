/* The log lines of log.h. */
#include "common/log.h"
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_SIZE   4096 /* longer lines are cut */
#define EXIT_USAGE  2
#define EXIT_SYSTEM 111

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *program_name = "nightward";
static enum nw_log_level most_verbose = NW_LOG_INFO;

void nw_log_init(const char *program, enum nw_log_level level)
{
    program_name = program;
    most_verbose = level;
}

/* The length of the control character at `p`, or 0: C0, DEL, and C1 as UTF-8 writes it (C2 80 to C2 9F). */
static int control_length(const unsigned char *p)
{
    if (*p < 0x20 || *p == 0x7f)
        return 1;
    return *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0 ? 2 : 0;
}

/* Escapes `text` into `out` and stops where `size` may not hold the next character. Returns the bytes written. */
static size_t escape(char *out, size_t size, const char *text)
{
    size_t length = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && length + sizeof "\\x00\\x00" <= size; p++) {
        int control = control_length(p);
        if (!control)
            out[length++] = (char)*p;
        else if (*p == '\n' || *p == '\t')
            length += (size_t)sprintf(out + length, *p == '\n' ? "\\n" : "\\t");
        else
            for (int i = 0; i < control; i++)
                length += (size_t)sprintf(out + length, "\\x%02x", p[i]);
        p += control > 1;
    }
    return length;
}

static void write_line(enum nw_log_level level, const char *format, va_list args)
{
    char text[LINE_SIZE];
    char line[LINE_SIZE];

    vsnprintf(text, sizeof text, format, args);
    size_t length = (size_t)snprintf(line, sizeof line, "%.48s: %s: ", program_name, level_names[level]);
    length += escape(line + length, sizeof line - 1 - length, text);
    line[length++] = '\n';
    /* A log line that cannot be written has no better place to be reported. */
    ssize_t ignored = write(STDERR_FILENO, line, length);
    (void)ignored;
}

void nw_log(enum nw_log_level level, const char *format, ...)
{
    if (level > most_verbose)
        return;
    int saved = errno;
    va_list args;
    va_start(args, format);
    write_line(level, format, args);
    va_end(args);
    errno = saved;
}

void nw_die_system(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(NW_LOG_ERROR, format, args);
    va_end(args);
    exit(EXIT_SYSTEM);
}

void nw_die_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(NW_LOG_ERROR, format, args);
    va_end(args);
    exit(EXIT_USAGE);
}
