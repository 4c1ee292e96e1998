/*
 * What a function is granted beyond computing, in its text form: addresses that it may connect to, directories, and
 * functions that it may call. Knows the text, not how it is enforced.
 */
#ifndef NW_COMMON_MANIFEST_GRANT_H
#define NW_COMMON_MANIFEST_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_GRANT_TEXT      1024 /* bytes of either list, its NUL included */
#define NW_ADDRESSES_MAX   32
#define NW_DIRECTORIES_MAX 7
#define NW_HOST_NAME       254  /* bytes of a name, its NUL included */
#define NW_CALLS_TEXT      2048 /* bytes of a list of functions, its NUL included */
#define NW_CALLS_SCAN      "scan"

/* IPv4 addresses in their IPv6 form, ::ffff:a.b.c.d, so that there is one spelling of each. */
struct nw_address_grant {
    uint8_t address[16];
    unsigned prefix; /* bits of it that count */
    uint16_t port;   /* 0: any */
};

/* A name that stands for addresses which others look up. */
struct nw_name_grant {
    char name[NW_HOST_NAME];
    uint16_t port; /* 0: any */
};

struct nw_directory_grant {
    char path[NW_GRANT_TEXT]; /* absolute, without . and .. and doubled or final slashes */
    bool writable;
};

/*
 * "127.0.0.1:8000, 10.0.0.0/8:443, [::1]:80, [fd00::]/8:*, example.com:443": how many are addresses, or -EINVAL with a
 * message for people in `why`. The empty text is none.
 */
int nw_grant_addresses(const char *text, struct nw_address_grant to[NW_ADDRESSES_MAX], char *why, size_t why_size);

/* How many of such a list are names. */
int nw_grant_names(const char *text, struct nw_name_grant to[NW_ADDRESSES_MAX]);

/* "/data:ro, /tmp/x:rw", likewise. None that is ro lies in one that is rw. */
int nw_grant_directories(const char *text, struct nw_directory_grant to[NW_DIRECTORIES_MAX], char *why,
                         size_t why_size);

/*
 * Whom a function may call: names with commas between, of which "scan" stands for those that a compiler found in its
 * file; "none"; the empty text: any. What was found in a file: names with commas between, then "*" if there may be
 * others; "-": it makes no calls; "!" and a reason: nobody could read it; the empty text: there is nothing to read.
 */

/* Whether a list, "a,b", has this item. */
bool nw_calls_have(const char *list, const char *item);

/* Adds an item unless the list has it. -E2BIG: there is no room for it. */
int nw_calls_add(char list[NW_CALLS_TEXT], const char *item);

/* Names only: those that are granted, with those that were found in the place of "scan". Any: "*". None: the empty
 * text. -E2BIG: too many. */
int nw_calls_resolve(const char *calls, const char *found, char to[NW_CALLS_TEXT]);

/* Whether the function of this name may be called, by what nw_calls_resolve has made. Who may call it may call each of
 * its versions, as NAME@ALIAS or NAME@v3. */
bool nw_calls_allow(const char *resolved, const char *name);

/* Whether the path is absolute and spelled in one way only: without . and .. and doubled or final slashes. */
bool nw__grant_is_plain(const char *path);

/* Whether the path is the directory or lies below it, both plain. */
bool nw__grant_lies_in(const char *path, const char *directory);

/* An address of IPv4, in the order of the network, as grants have it: ::ffff:a.b.c.d. */
void nw_address_of_v4(uint8_t address[16], const void *v4);

/* Whether one of the grants covers this address, in its IPv6 form, and port. None covers 0.0.0.0 and ::. */
bool nw_grant_covers(const struct nw_address_grant *grants, size_t n, const uint8_t address[16], uint16_t port);

#endif
