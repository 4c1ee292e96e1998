/* See line.h. */
#include "engine/logs/line.h"
#include "engine/http/syntax/json_text.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_KEY    "{\"time\":\""
#define REQUEST_KEY "\"request\":\""
#define TEXT_KEY    "\"text\":\""

uint64_t nw_log_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void nw_log_time(char text[NW_LOG_TIME], uint64_t time)
{
    const uint64_t last = 253402300799; /* of the year 9999: others have more digits */
    time_t seconds = (time_t)(time / 1000000 < last ? time / 1000000 : last);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, NW_LOG_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + 19, NW_LOG_TIME - 19, ".%06uZ", (unsigned)(time % 1000000));
}

static const char *stream_name(enum nw_log_stream stream)
{
    return stream == NW_LOG_STDOUT ? "stdout" : stream == NW_LOG_STDERR ? "stderr" : "host";
}

/* Many readers of JSON end a text at a NUL, behind which something could hide. */
static int add_text(struct nw_buffer *out, const char *text, size_t length)
{
    int rc = 0;
    for (size_t at = 0, n; at < length && !rc; at += n + 1) {
        n = strnlen(text + at, length - at);
        rc = nw_json_escape(out, text + at, n);
        if (!rc && at + n < length)
            rc = nw_buffer_append(out, "\\\\x00", 5);
    }
    return rc;
}

int nw__log_line_write(struct nw_buffer *out, const char *function, const struct nw_log_line *line, const char *text)
{
    char time[NW_LOG_TIME];
    size_t before = out->length;
    nw_log_time(time, line->time);
    int rc = nw_buffer_printf(out, TIME_KEY "%s\",\"function\":\"%s\",\"version\":\"%s\",\"worker\":%u,\"slot\":%u,",
                              time, function, line->version, line->worker, line->slot);
    rc |=
        nw_buffer_printf(out, REQUEST_KEY "%s\",\"stream\":\"%s\"," TEXT_KEY, line->request, stream_name(line->stream));
    rc |= add_text(out, text, line->length);
    rc |= nw_buffer_append(out, "\"}\n", 3);
    if (rc)
        out->length = before;
    return rc ? -ENOMEM : 0;
}

/* Behind the string that begins at `at`, or NULL: it does not end, or holds what no string may. */
static const char *behind_string(const char *at, const char *end)
{
    if (at == end || *at++ != '"')
        return NULL;
    for (; at < end && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at != '\\')
            continue;
        if (++at == end || !strchr("\"\\/bfnrtu", *at))
            return NULL;
        for (int i = 0; *at == 'u' && i < 4; i++)
            if (end - at < 5 || !isxdigit((unsigned char)at[1 + i]))
                return NULL;
    }
    return at < end ? at + 1 : NULL;
}

static const char *behind_number(const char *at, const char *end)
{
    const char *first = at;
    while (at < end && isdigit((unsigned char)*at))
        at++;
    return at > first && (*first != '0' || at == first + 1) ? at : NULL;
}

static const char *behind_member(const char *at, const char *end)
{
    at = behind_string(at, end);
    if (!at || at == end || *at++ != ':' || at == end)
        return NULL;
    return *at == '"' ? behind_string(at, end) : behind_number(at, end);
}

bool nw__log_line_is_whole(const char *line, size_t length)
{
    const char *at = line, *end = line + length;
    size_t begins = strlen(TIME_KEY);
    if (length < begins + NW_LOG_TIME || memcmp(line, TIME_KEY, begins))
        return false;
    do
        at = behind_member(at + 1, end);
    while (at && at < end && *at == ',');
    return at && at == end - 1 && *at == '}';
}

/* An unescaped quote stands in front of a key alone, so that text is never taken for one. */
static bool is_of(const char *line, size_t length, const char *request)
{
    const char *key = memmem(line, length, REQUEST_KEY, strlen(REQUEST_KEY));
    const char *at = key ? key + strlen(REQUEST_KEY) : NULL;
    size_t n = strlen(request);
    return at && (size_t)(line + length - at) > n && !memcmp(at, request, n) && at[n] == '"';
}

bool nw__log_line_fits(const char *line, size_t length, const char since[NW_LOG_TIME], const char *request)
{
    return memcmp(line + strlen(TIME_KEY), since, strlen(since)) >= 0 && (!*request || is_of(line, length, request));
}
