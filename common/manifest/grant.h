/*
 * What a function is granted beyond computing, in its text form: addresses that it may connect to, and directories.
 * Knows the text, not how it is enforced.
 */
#ifndef NW_COMMON_MANIFEST_GRANT_H
#define NW_COMMON_MANIFEST_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_GRANT_TEXT      1024 /* bytes of either list, its NUL included */
#define NW_ADDRESSES_MAX   32
#define NW_DIRECTORIES_MAX 7
#define NW_HOST_NAME       254 /* bytes of a name, its NUL included */

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

/* Whether the path is absolute and spelled in one way only: without . and .. and doubled or final slashes. */
bool nw__grant_is_plain(const char *path);

/* Whether the path is the directory or lies below it, both plain. */
bool nw__grant_lies_in(const char *path, const char *directory);

/* An address of IPv4, in the order of the network, as grants have it: ::ffff:a.b.c.d. */
void nw_address_of_v4(uint8_t address[16], const void *v4);

/* Whether one of the grants covers this address, in its IPv6 form, and port. None covers 0.0.0.0 and ::. */
bool nw_grant_covers(const struct nw_address_grant *grants, size_t n, const uint8_t address[16], uint16_t port);

#endif
