/*
 * libprotect: protection keys for memory without the limit of 15. A key of this library is a random 64-bit handle; the
 * keys of the hardware are lent to the handles that are in use.
 *
 * The functions mean what pkey_alloc(2), pkey_free(2), pkey_mprotect(2), pkey_set(3) and pkey_get(3) mean, with these
 * differences:
 *
 *  - Any number of keys may exist. nw_pkey_limit() of them can be open at the same time; "open" means that at least one
 *    thread holds rights to the key. An open key keeps its hardware key until the last thread has dropped its rights.
 *  - Opening one more takes the hardware key of the closed one that was used least recently. The pages of that one move
 *    to a parking key first, to which no thread ever has rights: nobody can reach them until their key is opened again.
 *    Nothing about them changes but the key: a closed key cannot be told from one without a hardware key.
 *  - A thread starts without rights when it is started by nw_pkey_thread_create. The kernel copies the rights of the
 *    creator to a thread that is started otherwise; the first call of this library on that thread takes them away.
 *    Do not start threads otherwise while you hold rights: until that call, such a thread could reach the pages of
 *    whatever key comes to use the same hardware key.
 *  - After fork, the child has the rights of the thread that called fork, and no other thread's rights keep a key open.
 *
 * Keys guard against mistakes and against code that does not run instructions of its own making. The WRPKRU instruction
 * needs no permission: native code that must not be trusted has to be scanned and confined as well, as Nightward does.
 *
 * Every function is safe to call from any thread, none from a signal handler (on Linux a handler starts without rights,
 * and what it does to its rights ends with it). No function is a cancellation point. Errors are negative errno values;
 * errno itself is left alone. After an error nothing has changed unless the function says so.
 *
 * The library takes all free hardware keys at its first call and keeps them until the process ends. It needs an x86-64
 * CPU with protection keys (the CPU flags pku and ospke) and Linux 4.9.
 */
#ifndef NIGHTWARD_PROTECT_H
#define NIGHTWARD_PROTECT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A key of this library. Cannot be guessed; one that was freed does not come back. It is not a secret of the kernel:
 * who learns the number can use it. */
typedef uint64_t nw_pkey;

/* The key of all memory that was given no other one. Never made, freed, or opened; only nw_pkey_mprotect takes it. */
#define NW_PKEY_DEFAULT ((nw_pkey)0)

/* Rights of a thread. 0 is all of them. The values of PKEY_DISABLE_ACCESS and PKEY_DISABLE_WRITE. */
#define NW_PKEY_NO_ACCESS 1u
#define NW_PKEY_NO_WRITE  2u

/*
 * How many keys can be open at the same time: usually 14, less when the program allocated keys of its own before.
 * -ENOTSUP: the CPU or the kernel has no protection keys. -ENOSPC: fewer than two were free. Every function below that
 * takes or makes a key answers the same then.
 */
int nw_pkey_limit(void);

/*
 * Makes a key, stores it in *key, and gives the calling thread `rights` to it, as nw_pkey_set does. `flags` must be 0.
 * Rights other than NW_PKEY_NO_ACCESS open the key at once: to make many, make them without.
 * 0; -EINVAL: unknown flags or rights; -EBUSY: the key could not be opened, see nw_pkey_set; -ENOMEM.
 * The caller owns the key and ends it with nw_pkey_free.
 */
int nw_pkey_alloc(unsigned int flags, unsigned int rights, nw_pkey *key);

/*
 * Ends a key. Pages that still have it stay out of everybody's reach until nw_pkey_mprotect gives them another key or
 * they are unmapped. (pkey_free leaves them to the next owner of the key.)
 * 0; -EINVAL: no such key; -EBUSY: a thread, maybe the calling one, holds rights to it; an error of pkey_mprotect(2)
 * when its pages could not be moved away: the key then still exists.
 */
int nw_pkey_free(nw_pkey key);

/*
 * Gives whole pages a key and a protection (PROT_*), as pkey_mprotect does. `address` is the start of a page; `length`
 * counts bytes and is rounded up to whole pages. NW_PKEY_DEFAULT gives them back to everybody. It asks for no rights to
 * the key that the pages had.
 *
 * The library remembers which pages have which key, to move them when the key changes hardware keys. So, while pages
 * have a key, change their protection with this function alone; and before they are unmapped, moved by mremap or mapped
 * over, give them back, or unmap them with nw_pkey_munmap. Pages that vanish otherwise keep the hardware key of their
 * key occupied if the library finds a hole, or make it move pages that were mapped there since.
 *
 * 0; -EINVAL: no such key, `address` not the start of a page, or the end does not exist; -ENOMEM: part of the range is
 * not mapped, or no memory; any other error of pkey_mprotect(2): then pages of the range that had no key of this
 * library may have been left without access for anybody.
 */
int nw_pkey_mprotect(void *address, size_t length, int protection, nw_pkey key);

/*
 * munmap(2) for pages that may have a key: the library forgets them first. Parameters as above.
 * 0; -EINVAL, -ENOMEM: as munmap, or no memory for the book-keeping.
 */
int nw_pkey_munmap(void *address, size_t length);

/*
 * Sets the rights of the calling thread to the pages of a key: 0, NW_PKEY_NO_WRITE, or NW_PKEY_NO_ACCESS (alone or with
 * the other). The rights are the thread's own; those of other threads do not change.
 *
 * A thread that gets access holds the key open until it sets NW_PKEY_NO_ACCESS or ends (however often it set rights in
 * between). When the key has no hardware key it gets one here, which costs a pkey_mprotect(2) for each range of pages
 * of the two keys concerned; otherwise no system call is made.
 *
 * 0; -EINVAL: no such key, or unknown rights; -EBUSY: nw_pkey_limit() other keys are open; an error of pkey_mprotect(2)
 * when pages could not be moved. Giving up access does not fail for a key that exists.
 */
int nw_pkey_set(nw_pkey key, unsigned int rights);

/* The rights of the calling thread to a key: 0, NW_PKEY_NO_WRITE or NW_PKEY_NO_ACCESS. -EINVAL: no such key. */
int nw_pkey_get(nw_pkey key);

/*
 * pthread_create(3) for a thread that starts without rights to any key, whatever its creator holds. Parameters,
 * ownership and the (positive) error are those of pthread_create, and ENOTSUP or ENOSPC as in nw_pkey_limit.
 */
int nw_pkey_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);

#ifdef __cplusplus
}
#endif

#endif
