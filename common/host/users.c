/* Reads the ranges of users.h. */
#include "common/host/users.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* One id, and where it ends. 0 when there is none. */
static uid_t parse_id(const char *text, char **end)
{
    unsigned long id = isdigit((unsigned char)*text) ? strtoul(text, end, 10) : 0;

    return id < (uid_t)-1 ? (uid_t)id : 0;
}

int nw_users_parse(const char *text, struct nw_users *users)
{
    char *end = NULL;

    users->first = parse_id(text, &end);
    if (!users->first || *end != '-')
        return -EINVAL;
    users->last = parse_id(end + 1, &end);
    return users->last >= users->first && *end == '\0' ? 0 : -EINVAL;
}
