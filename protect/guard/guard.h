/*
 * libnwguard.so finds mistakes: preloaded into a program (LD_PRELOAD=libnwguard.so ./app) it answers EPERM to calls of
 * pkey_alloc, pkey_free, pkey_mprotect, pkey_set, pkey_get, and of syscall() with the numbers of the first three,
 * unless libprotect.so makes them, and says on standard error who called.
 *
 * It is not a boundary. Code that means harm has a system call instruction of its own, or WRPKRU; against such code
 * stand Syscall User Dispatch, which sees every system call, and the scanner. What this library adds is a name.
 *
 * Who is the caller:
 *  - the code at the return address. It is libprotect when its module has libprotect's soname and the instruction
 *    before that address is a direct call, so that what libprotect calls back is not mistaken for it;
 *  - a call in tail position has no return address of its own: its caller's caller answers for it. Where that is libc
 *    or ld.so (the start of a thread, qsort) or libprotect, it is refused, and the report names who called that;
 *  - code without unwind information is known by the return address like all other; the report follows the stack no
 *    further than that;
 *  - code that belongs to no module (made at run time) is refused, and the report gives its address;
 *  - code that was dlopened is a caller like any other. One opened with RTLD_DEEPBIND or dlmopen finds libc first, and
 *    its calls are not seen;
 *  - libprotect.a is part of the program that links it, and refused: link libprotect.so;
 *  - a statically linked program has no preloading: nothing is seen or changed.
 *
 * Nothing runs until one of the functions is called. A call that libprotect makes costs a look into the loader's table
 * of modules, a call of syscall() with any other number two instructions. The first refusal loads libunwind.so.8, where
 * it is there, to follow the stack; without it the report ends with the caller. Calls are refused as safely in a signal
 * handler as dlopen can be called there: not at all, if the handler interrupted malloc.
 */
#ifndef NW_PROTECT_GUARD_H
#define NW_PROTECT_GUARD_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Whether libprotect is refused as well, and the report ends with the caller, because libunwind would read files to go
 * on. False in libnwguard.so (library.c). A program that has all but that file linked in decides for itself, and what
 * it defines comes before libc, as if it were preloaded: the stub in the domains of Nightward.
 */
extern const bool nw__refuse_all;

enum nw__caller_kind { NW__CALLER_USER, NW__CALLER_HIDDEN, NW__CALLER_LIBPROTECT };

/* The module that holds an address; NULL when none does. It must not be unloaded meanwhile. */
const struct link_map *nw__module_of(uintptr_t address);

/* Of what kind the code before a return address is. Hidden is a caller in tail position, which left the return address
 * of libc, of ld.so, or of libprotect. */
enum nw__caller_kind nw__caller_of(uintptr_t return_address);

/* Tells standard error, once for each call site, that the function called `name` was refused to the code before
 * `return_address`. Keeps errno. Any thread. */
void nw__report(const char *name, const char *instead, uintptr_t return_address);

/* syscall() with a number that concerns protection keys; guard_syscall.S jumps here. */
long nw__guarded_syscall(long number, long a, long b, long c, long d, long e, long f);

#endif
