/* Checks the values of options by their kind. */
#include "deploy/base/option_value.h"
#include "common/base/log.h"
#include "common/host/cpus.h"
#include "common/host/mode.h"
#include "common/host/policy.h"
#include "common/host/users.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    char letter;
    unsigned shift;
};

static const struct unit units[] = {{'\0', 0}, {'K', 10}, {'M', 20}, {'G', 30}};

#define N_UNITS (sizeof units / sizeof units[0])

/* Digits, then nothing or one unit. False for anything else and for what does not fit. */
static bool parse_number(const char *text, bool with_units, uint64_t *value)
{
    uint64_t n = 0;

    if (!isdigit((unsigned char)*text))
        return false;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
            return false;
    for (size_t i = 0; i < (with_units ? N_UNITS : 1); i++)
        if (*text == units[i].letter && (*text == '\0' || text[1] == '\0'))
            return !__builtin_mul_overflow(n, UINT64_C(1) << units[i].shift, value);
    return false;
}

static void format_bytes(uint64_t number, char *text, size_t size)
{
    size_t best = 0;

    for (size_t i = 1; i < N_UNITS; i++)
        if (number != 0 && number % (UINT64_C(1) << units[i].shift) == 0)
            best = i;
    snprintf(text, size, "%" PRIu64 "%.1s", number >> units[best].shift, &units[best].letter);
}

static int check_number(const struct nw_option *option, const char *text, char *why, size_t why_size)
{
    bool bytes = option->kind == NW_OPTION_BYTES;
    char low[32], high[32];
    uint64_t n;

    if (parse_number(text, bytes, &n) && n >= option->min && n <= option->max)
        return 0;
    format_bytes(option->min, low, sizeof low);
    format_bytes(option->max, high, sizeof high);
    snprintf(why, why_size, "\"%.80s\" does not do; give %s from %s to %s", text,
             bytes ? "a number of bytes, like 64K or 16M," : "a number", low, high);
    return -EINVAL;
}

/* MIN..MAX, or one number that is both. */
static bool parse_span(const char *text, uint64_t *least, uint64_t *most)
{
    const char *dots = strstr(text, "..");
    char first[24];

    if (!dots)
        return parse_number(text, false, least) && parse_number(text, false, most);
    if ((size_t)(dots - text) >= sizeof first)
        return false;
    snprintf(first, sizeof first, "%.*s", (int)(dots - text), text);
    return parse_number(first, false, least) && parse_number(dots + 2, false, most) && *least <= *most;
}

static int check_span(const struct nw_option *option, const char *text, char *why, size_t why_size)
{
    uint64_t least, most;

    if (parse_span(text, &least, &most) && least >= option->min && most <= option->max)
        return 0;
    snprintf(why, why_size,
             "\"%.80s\" does not do; give a number from %" PRIu64 " to %" PRIu64
             ", or two, the smaller first, like 1..8",
             text, option->min, option->max);
    return -EINVAL;
}

/* Milliseconds; 0 when the text is no number with its unit, or too large. */
static uint64_t parse_time(const char *text)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } times[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");

    for (size_t i = 0; i < sizeof times / sizeof *times && digits < 10; i++)
        if (digits > 0 && !strcmp(text + digits, times[i].unit))
            return strtoull(text, NULL, 10) * times[i].ms;
    return 0;
}

static bool is_port(const char *text)
{
    uint64_t port;

    return parse_number(text, false, &port) && port <= 65535;
}

bool nw_is_address(const char *text)
{
    char host[64];
    unsigned char parsed[sizeof(struct in6_addr)];
    bool v6 = *text == '[';
    const char *begin = text + v6;
    const char *end = strchr(begin, v6 ? ']' : ':');
    size_t length;

    if (!end)
        return false;
    length = (size_t)(end - begin);
    if (length >= sizeof host || (v6 && end[1] != ':') || !is_port(end + 1 + v6))
        return false;
    memcpy(host, begin, length);
    host[length] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, host, parsed) == 1;
}

static int check_word(bool good, const char *text, const char *form, char *why, size_t why_size)
{
    if (good)
        return 0;
    snprintf(why, why_size, "\"%.80s\" does not do; give %s", text, form);
    return -EINVAL;
}

static int check_cpus(const char *text, char *why, size_t why_size)
{
    cpu_set_t wanted, online, missing;
    char have[256];
    int rc = nw_cpus_parse(text, &wanted);

    if (rc == -EINVAL)
        return check_word(false, text, "a list of CPUs, like 0 or 2-5,7", why, why_size);
    nw_cpus_online(&online);
    if (rc == 0 && nw_cpus_missing(&wanted, &online, &missing) == 0)
        return 0;
    nw_cpus_format(&online, have, sizeof have);
    snprintf(why, why_size, "\"%.80s\" names CPUs that are not there; this machine has %s", text, have);
    return -EINVAL;
}

int nw__option_check(const struct nw_option *option, const char *text, char *why, size_t why_size)
{
    struct nw_users users;

    switch (option->kind) {
    case NW_OPTION_COUNT:
    case NW_OPTION_BYTES:
        return check_number(option, text, why, why_size);
    case NW_OPTION_SPAN:
        return check_span(option, text, why, why_size);
    case NW_OPTION_TIME:
        return check_word(parse_time(text) >= option->min && parse_time(text) <= option->max, text,
                          "a time with its unit, like 30s, 5m or 2h, that --help allows", why, why_size);
    case NW_OPTION_MODE:
        return check_word(nw_mode_parse(text) >= 0, text, "auto, mpk, process or none", why, why_size);
    case NW_OPTION_IO:
        return check_word(!strcmp(text, "auto") || !strcmp(text, "uring") || !strcmp(text, "uv"), text,
                          "auto, uring or uv", why, why_size);
    case NW_OPTION_SNAPSHOT:
        return check_word(!strcmp(text, "off") || !strcmp(text, "auto"), text, "off or auto", why, why_size);
    case NW_OPTION_LOG_FORMAT:
        return check_word(nw_log_format_parse(text) >= 0, text, NW_LOG_FORMAT_WORDS, why, why_size);
    case NW_OPTION_POLICY:
        return check_word(nw_policy_parse(text) >= 0, text, NW_POLICY_WORDS, why, why_size);
    case NW_OPTION_CPUS:
        return check_cpus(text, why, why_size);
    case NW_OPTION_USERS:
        return check_word(nw_users_parse(text, &users) == 0, text, "ids of users, FIRST-LAST, like " NW_USERS_DEFAULT,
                          why, why_size);
    case NW_OPTION_ADDRESS:
        return check_word(nw_is_address(text), text, "an address and port, like 127.0.0.1:8080 or [::1]:8080", why,
                          why_size);
    case NW_OPTION_TEXT:
        return check_word(*text != '\0', text, option->value, why, why_size);
    case NW_OPTION_ANY:
    case NW_OPTION_SWITCH:
        break;
    }
    return 0;
}

uint64_t nw__option_number(const struct nw_option *option, const char *text)
{
    uint64_t n = 0;

    if (option->kind == NW_OPTION_TIME)
        return parse_time(text);
    parse_number(text, option->kind == NW_OPTION_BYTES, &n);
    return n;
}

void nw__option_span(const char *text, uint64_t *least, uint64_t *most)
{
    *least = *most = 0;
    parse_span(text, least, most);
}
