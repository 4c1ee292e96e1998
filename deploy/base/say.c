/* Lines for people. */
#include "deploy/base/say.h"
#include "common/base/log.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Text read as UTF-8: C0, DEL, and the second byte of C1 (C2 80 to C2 9F). */
static void replace_controls(char *text)
{
    unsigned char before = 0;

    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (before == 0xc2 && *p < 0xa0))
            *p = '?';
        before = *p;
    }
}

static bool as_log;

void nw_say_as_log(void)
{
    as_log = nw_log_format() != NW_LOG_TEXT;
}

static void print_line(FILE *to, const char *format, va_list args)
{
    char text[8192];

    vsnprintf(text, sizeof text, format, args);
    replace_controls(text);
    if (as_log) {
        nw_log(to == stdout ? NW_LOG_INFO : NW_LOG_WARN, "%s", text);
        return;
    }
    fprintf(to, "nightward: %s\n", text);
    fflush(to);
}

void nw_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(stdout, format, args);
    va_end(args);
}

void nw_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(stderr, format, args);
    va_end(args);
}

void nw_fail(enum nw_exit status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_line(stderr, format, args);
    va_end(args);
    exit(status);
}
