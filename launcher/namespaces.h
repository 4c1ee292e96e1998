/* Namespaces: which of them a worker can have for itself on this machine. */
#ifndef NW_LAUNCHER_NAMESPACES_H
#define NW_LAUNCHER_NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The CLONE_NEW* flags that work here, found out by trying each in a short-lived child. For an ordinary user they come
 * with a user namespace, without which it has none; root needs none, and would lose the other users by it.
 */
int nw__namespaces_usable(void);

/* In a process that was started with a user namespace: stays the user that it was outside. 0 or negative errno. */
int nw__namespaces_keep_user(uid_t user, gid_t group);

/* Whether this process could start workers as other users, and end them. */
bool nw__users_usable(void);

#endif
