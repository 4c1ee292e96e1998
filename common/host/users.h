/* Ranges of user ids in their text form, FIRST-LAST. */
#ifndef NW_COMMON_HOST_USERS_H
#define NW_COMMON_HOST_USERS_H

#include <sys/types.h>

#define NW_USERS_DEFAULT "50000-59999"

struct nw_users {
    uid_t first, last;
};

/* Root and the id that means "no user" are in no range. 0 or -EINVAL. */
int nw_users_parse(const char *text, struct nw_users *users);

#endif
