/* See lookup.h. */
#include "engine/names/lookup.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#define SERVERS_FILE "/etc/resolv.conf"
#define SERVER_PORT  53
#define WAIT_S       2 /* for a name server, which is then asked no second time */

static void be_brief(void)
{
    if (res_init() < 0)
        return;
    _res.retrans = WAIT_S;
    _res.retry = 1;
}

static bool put(struct nw_address_grant *to, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        nw_address_of_v4(to->address, &((const struct sockaddr_in *)(const void *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        memcpy(to->address, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof to->address);
    return address->sa_family == AF_INET || address->sa_family == AF_INET6;
}

int nw__lookup_name(const struct nw_name_grant *name, struct nw_address_grant *to, unsigned most, const char **why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    unsigned n = 0;
    be_brief();
    int error = getaddrinfo(name->name, NULL, &hints, &found);
    if (error) {
        *why = gai_strerror(error);
        return -1;
    }
    for (const struct addrinfo *at = found; at && n < most; at = at->ai_next) {
        to[n] = (struct nw_address_grant){.prefix = 128, .port = name->port};
        n += put(&to[n], at->ai_addr);
    }
    freeaddrinfo(found);
    return (int)n;
}

unsigned nw__lookup_servers(struct nw_address_grant *to, unsigned most)
{
    FILE *from = fopen(SERVERS_FILE, "re");
    char line[256], text[64];
    struct in_addr v4;
    unsigned n = 0;
    while (from && n < most && fgets(line, sizeof line, from)) {
        if (sscanf(line, "nameserver %63s", text) != 1)
            continue;
        to[n] = (struct nw_address_grant){.prefix = 128, .port = SERVER_PORT};
        if (inet_pton(AF_INET, text, &v4) == 1)
            nw_address_of_v4(to[n++].address, &v4);
        else
            n += inet_pton(AF_INET6, text, to[n].address) == 1;
    }
    if (from)
        fclose(from);
    return n;
}
