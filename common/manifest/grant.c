/* See grant.h. */
#include "common/manifest/grant.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

void nw_address_of_v4(uint8_t address[16], const void *v4)
{
    memcpy(address, mapped, sizeof(mapped));
    memcpy(address + sizeof(mapped), v4, 4);
}

/* The next item of the list, without the spaces around it: its length; 0 at the end of the list. */
static size_t next_item(const char **at, const char **item)
{
    const char *from = *at + strspn(*at, " ");
    size_t length = strcspn(from, ",");

    *item = from;
    *at = from + length + (from[length] == ',');
    while (length && from[length - 1] == ' ')
        length--;
    return length;
}

static bool parse_number(const char *text, unsigned long most, unsigned long *value)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    *value = strtoul(text, &end, 10);
    return *end == '\0' && *value <= most;
}

static bool parse_port(const char *text, uint16_t *port)
{
    unsigned long value = 0;

    if (strcmp(text, "*") != 0 && (!parse_number(text, UINT16_MAX, &value) || value == 0))
        return false;
    *port = (uint16_t)value;
    return true;
}

/* Takes the address off the front; what follows it, or NULL. `family` is AF_INET or AF_INET6. */
static char *parse_address(char *item, uint8_t address[16], int *family)
{
    char *rest = item + strcspn(item, item[0] == '[' ? "]" : "/:"), separator = *rest;
    uint8_t v4[4];

    *family = item[0] == '[' ? AF_INET6 : AF_INET;
    *rest = '\0';
    if (*family == AF_INET6)
        return separator && inet_pton(AF_INET6, item + 1, address) == 1 ? rest + 1 : NULL;
    if (inet_pton(AF_INET, item, v4) != 1)
        return NULL;
    nw_address_of_v4(address, v4);
    *rest = separator;
    return rest;
}

/* "ADDRESS[/BITS]:PORT" */
static bool parse_grant(char *item, struct nw_address_grant *to)
{
    int family;
    char *rest = parse_address(item, to->address, &family), *port = rest ? strchr(rest, ':') : NULL;
    unsigned long most = family == AF_INET ? 32 : 128, bits = most;

    if (!port)
        return false;
    *port++ = '\0';
    if (rest[0] && (rest[0] != '/' || !parse_number(rest + 1, most, &bits)))
        return false;
    to->prefix = (unsigned)(128 - most + bits);
    return parse_port(port, &to->port);
}

static bool is_label(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
            return false;
    return length > 0 && length < 64 && text[0] != '-' && text[length - 1] != '-';
}

/* The part behind the last dot must not be a number, so that a mistyped address is not taken for a name. */
static bool is_host_name(const char *text)
{
    const char *last = text;

    if (strlen(text) >= NW_HOST_NAME)
        return false;
    for (const char *part = text;; part = last + 1) {
        size_t length = strcspn(part, ".");

        if (!is_label(part, length))
            return false;
        last = part + length;
        if (!*last)
            return strspn(part, "0123456789") < length;
    }
}

/* "NAME:PORT" */
static bool parse_name(const char *item, struct nw_name_grant *to)
{
    char copy[NW_GRANT_TEXT], *port;

    snprintf(copy, sizeof(copy), "%s", item);
    port = strchr(copy, ':');
    if (!port)
        return false;
    *port++ = '\0';
    if (!is_host_name(copy))
        return false;
    snprintf(to->name, sizeof(to->name), "%.*s", NW_HOST_NAME - 1, copy);
    return parse_port(port, &to->port);
}

static int refuse(char *why, size_t why_size, const char *what, const char *item, const char *form)
{
    snprintf(why, why_size, "%s: \"%.80s\" does not do; give %s", what, item, form);
    return -EINVAL;
}

static int refuse_list(char *why, size_t why_size, const char *what, int most)
{
    snprintf(why, why_size, "%s: more than %d entries, or more than %d characters", what, most, NW_GRANT_TEXT - 1);
    return -EINVAL;
}

int nw_grant_addresses(const char *text, struct nw_address_grant to[NW_ADDRESSES_MAX], char *why, size_t why_size)
{
    char copy[NW_GRANT_TEXT], whole[NW_GRANT_TEXT];
    struct nw_name_grant name;
    const char *item;
    size_t length;
    int n = 0, names = 0;

    if (strlen(text) >= NW_GRANT_TEXT)
        return refuse_list(why, why_size, "connect", NW_ADDRESSES_MAX);
    while ((length = next_item(&text, &item)) || *text) {
        if (n + names == NW_ADDRESSES_MAX)
            return refuse_list(why, why_size, "connect", NW_ADDRESSES_MAX);
        snprintf(copy, sizeof(copy), "%.*s", (int)length, item);
        memcpy(whole, copy, sizeof(whole));
        if (parse_grant(copy, &to[n]))
            n++;
        else if (parse_name(whole, &name))
            names++;
        else
            return refuse(
                why, why_size, "connect", whole,
                "addresses or names with a port, like 127.0.0.1:8000, 10.0.0.0/8:443, [::1]:* or example.com:443");
    }
    return n;
}

int nw_grant_names(const char *text, struct nw_name_grant to[NW_ADDRESSES_MAX])
{
    char copy[NW_GRANT_TEXT];
    const char *item;
    size_t length;
    int n = 0;

    while (((length = next_item(&text, &item)) || *text) && n < NW_ADDRESSES_MAX) {
        snprintf(copy, sizeof(copy), "%.*s", (int)length, item);
        n += parse_name(copy, &to[n]);
    }
    return n;
}

/* Each directory then has one spelling, and paths can be compared character by character. */
bool nw__grant_is_plain(const char *path)
{
    size_t length = strlen(path);

    return path[0] == '/' && length > 1 && path[length - 1] != '/' && !strstr(path, "//") && !strstr(path, "/./") &&
           !strstr(path, "/../") && strcmp(path + length - 2, "/.") != 0 &&
           (length < 3 || strcmp(path + length - 3, "/..") != 0);
}

static bool parse_directory(char *item, struct nw_directory_grant *to)
{
    char *mode = strrchr(item, ':');

    if (!mode || (strcmp(mode, ":ro") != 0 && strcmp(mode, ":rw") != 0))
        return false;
    to->writable = mode[2] == 'w';
    *mode = '\0';
    snprintf(to->path, sizeof(to->path), "%s", item);
    return nw__grant_is_plain(item);
}

bool nw__grant_lies_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* A directory that is granted read-only inside one that is granted for writing could be changed all the same. */
static bool holds_nothing(const struct nw_directory_grant *grants, int n, const struct nw_directory_grant *one)
{
    for (int i = 0; i < n; i++)
        if (grants[i].writable != one->writable && (one->writable ? nw__grant_lies_in(grants[i].path, one->path)
                                                                  : nw__grant_lies_in(one->path, grants[i].path)))
            return true;
    return false;
}

int nw_grant_directories(const char *text, struct nw_directory_grant to[NW_DIRECTORIES_MAX], char *why, size_t why_size)
{
    char copy[NW_GRANT_TEXT], whole[NW_GRANT_TEXT];
    const char *item;
    size_t length;
    int n = 0;

    if (strlen(text) >= NW_GRANT_TEXT)
        return refuse_list(why, why_size, "directories", NW_DIRECTORIES_MAX);
    while ((length = next_item(&text, &item)) || *text) {
        if (n == NW_DIRECTORIES_MAX)
            return refuse_list(why, why_size, "directories", NW_DIRECTORIES_MAX);
        snprintf(copy, sizeof(copy), "%.*s", (int)length, item);
        memcpy(whole, copy, sizeof(whole));
        if (!parse_directory(copy, &to[n]))
            return refuse(why, why_size, "directories", whole,
                          "absolute paths with :ro or :rw, like /data:ro, /var/cache/x:rw");
        if (holds_nothing(to, n, &to[n]))
            return refuse(why, why_size, "directories", whole, "no directory :ro at or below one that is :rw");
        n++;
    }
    return n;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);

    return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

/* 0.0.0.0 and ::, which the kernel takes for the host itself. */
static bool is_unspecified(const uint8_t address[16])
{
    static const uint8_t none[16] = {0};

    return (memcmp(address, mapped, sizeof(mapped)) == 0 || memcmp(address, none, sizeof(mapped)) == 0) &&
           memcmp(address + sizeof(mapped), none, 16 - sizeof(mapped)) == 0;
}

bool nw_grant_covers(const struct nw_address_grant *grants, size_t n, const uint8_t address[16], uint16_t port)
{
    for (size_t i = 0; i < n && !is_unspecified(address); i++)
        if (same_prefix(grants[i].address, address, grants[i].prefix) && (!grants[i].port || grants[i].port == port))
            return true;
    return false;
}

static bool has(const char *list, const char *item, size_t wanted)
{
    const char *at;
    size_t length;

    while ((length = next_item(&list, &at)) > 0)
        if (length == wanted && memcmp(at, item, length) == 0)
            return true;
    return false;
}

bool nw_calls_have(const char *list, const char *item)
{
    return has(list, item, strlen(item));
}

bool nw_calls_allow(const char *resolved, const char *name)
{
    return *resolved == '*' || has(resolved, name, strcspn(name, "@"));
}

int nw_calls_add(char list[NW_CALLS_TEXT], const char *item)
{
    const size_t used = strlen(list);

    if (nw_calls_have(list, item))
        return 0;
    if (used + strlen(item) + 2 > NW_CALLS_TEXT)
        return -E2BIG;
    sprintf(list + used, "%s%s", used ? "," : "", item);
    return 0;
}

/* The next item of a list, as a string. */
static bool next_name(const char **at, char name[NW_CALLS_TEXT])
{
    const char *item;
    size_t length = next_item(at, &item);

    if (length == 0 || length >= NW_CALLS_TEXT)
        return false;
    memcpy(name, item, length);
    name[length] = '\0';
    return true;
}

static bool is_found_name(const char *item)
{
    return *item != '*' && *item != '-';
}

int nw_calls_resolve(const char *calls, const char *found, char to[NW_CALLS_TEXT])
{
    const char *at = calls, *of = *found == '!' ? "" : found;
    char name[NW_CALLS_TEXT];
    int rc = 0;

    snprintf(to, NW_CALLS_TEXT, "%s", *calls ? "" : "*");
    if (strcmp(calls, "none") == 0)
        return 0;
    while (rc == 0 && next_name(&at, name))
        rc = strcmp(name, NW_CALLS_SCAN) != 0 ? nw_calls_add(to, name) : 0;
    while (rc == 0 && nw_calls_have(calls, NW_CALLS_SCAN) && next_name(&of, name))
        rc = is_found_name(name) ? nw_calls_add(to, name) : 0;
    return rc;
}
