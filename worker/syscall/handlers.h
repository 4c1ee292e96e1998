/* The handlers of all system calls in policy.def, each in the file of its family. */
#ifndef NW_WORKER_SYSCALL_HANDLERS_H
#define NW_WORKER_SYSCALL_HANDLERS_H

#include "worker/syscall/call.h"

#define CALL(class, name, profiles, how, handler, rules, words) nw_syscall_handler handler;
#include "worker/policy/policy.def"
#undef CALL

nw_syscall_handler nw__sys_lock; /* what fcntl does with record locks */

#endif
