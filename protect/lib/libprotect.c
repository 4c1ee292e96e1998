/*
 * libprotect: the functions of nightward/protect.h. Which virtual key has which hardware key is decided in vkey.c,
 * which pages a key has is recorded in lib/ranges.c; this file moves the pages, writes the rights and locks.
 *
 * The invariant that everything serves: a page whose key is not bound carries the parking key, to which no thread has
 * rights, and a thread has rights in PKRU only to hardware keys that it pins. Rights are therefore written after the
 * pin and taken away before the unpin, and a key is unbound only when all its pages are parked.
 *
 * Keys are made and rights written by the functions of libc, not by instructions here, so that libnwguard.so sees them.
 */
#include "include/nightward/protect.h"
#include "protect/gate/vkey.h"
#include "protect/lib/ranges.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#define EXPORT          __attribute__((visibility("default")))
#define PAGE            ((size_t)4096)
#define HARDWARE_KEYS   16
#define CPUID_7_OSPKE   (1u << 4)
#define ALL_RIGHTS_BITS (NW_PKEY_NO_ACCESS | NW_PKEY_NO_WRITE)
#define ALL_PROTECTIONS (PROT_READ | PROT_WRITE | PROT_EXEC)

_Static_assert(NW_PKEY_NO_ACCESS == PKEY_DISABLE_ACCESS && NW_PKEY_NO_WRITE == PKEY_DISABLE_WRITE, "as promised");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int limit; /* or the error that every function answers */
static int parking;
static uint16_t hardware; /* every key we took, the parking key too */
static pthread_key_t at_thread_end;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the two below */
static struct nw_vkeys *table;
static struct nw__ranges ranges;

/* By hardware key, what this thread has rights to; each is pinned once, so it stays where it is. */
static __thread nw_pkey held[HARDWARE_KEYS];
static __thread bool rights_known; /* false: PKRU is what the kernel copied from the creator of the thread */

struct critical {
    int cancel_state;
    int saved_errno;
};

/* getrandom and msync are cancellation points, and a thread must not end with the mutex held. */
static struct critical enter(void)
{
    struct critical critical = {.saved_errno = errno};

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &critical.cancel_state);
    pthread_mutex_lock(&mutex);
    return critical;
}

static void leave(struct critical critical)
{
    pthread_mutex_unlock(&mutex);
    pthread_setcancelstate(critical.cancel_state, NULL);
    errno = critical.saved_errno;
}

static int write_rights(int key, unsigned int rights)
{
    int saved_errno = errno, error = pkey_set(key, rights) < 0 ? -errno : 0;

    errno = saved_errno;
    return error;
}

static int held_at(nw_pkey key)
{
    int i = HARDWARE_KEYS - 1;

    while (i > 0 && held[i] != key)
        i--;
    return i;
}

static void drop_inherited_rights(void)
{
    for (int i = 1; i < HARDWARE_KEYS && !rights_known; i++) {
        if (hardware >> i & 1)
            write_rights(i, NW_PKEY_NO_ACCESS);
    }
    rights_known = true;
}

/* Takes away the rights to what is held at a hardware key. */
static int drop(int key)
{
    int error = write_rights(key, NW_PKEY_NO_ACCESS);

    if (error != 0)
        return error;
    struct critical critical = enter();
    nw_vkey_unpin(table, held[key]);
    held[key] = 0;
    leave(critical);
    return 0;
}

static void on_thread_end(void *unused)
{
    (void)unused;
    for (int i = 1; i < HARDWARE_KEYS; i++) {
        if (held[i] != 0)
            drop(i);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&mutex);
}

/* Only the pins of the thread that called fork are left. */
static void after_fork_in_child(void)
{
    for (int i = 1; i < HARDWARE_KEYS; i++) {
        nw_vkey vkey = nw_vkey_holder(table, i);
        while (nw_vkey_unpin(table, vkey) == 0)
            ;
        if (held[i] != 0)
            nw_vkey_pin(table, vkey);
    }
    pthread_mutex_unlock(&mutex);
}

static bool cpu_has_keys(void)
{
    unsigned int eax, ebx, ecx, edx;

    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_7_OSPKE);
}

/* Takes every free hardware key. How many; an error when there is none. */
static int take_hardware_keys(void)
{
    int key, count = 0;

    while ((key = pkey_alloc(0, PKEY_DISABLE_ACCESS)) > 0) {
        hardware |= 1u << key;
        parking = key;
        count++;
    }
    return count > 0 ? count : -errno;
}

static void give_hardware_keys_back(void)
{
    for (int i = 1; i < HARDWARE_KEYS; i++) {
        if (hardware >> i & 1)
            pkey_free(i);
    }
    hardware = 0;
}

static int set_up(void)
{
    if (!cpu_has_keys())
        return -ENOTSUP;
    int count = take_hardware_keys();
    if (count < 2) {
        give_hardware_keys_back();
        return count == -ENOSYS ? -ENOTSUP : count < 0 ? count : -ENOSPC;
    }
    table = nw_vkeys_new(hardware & ~(1u << parking));
    if (table == NULL || pthread_key_create(&at_thread_end, on_thread_end) != 0 ||
        pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) {
        nw_vkeys_free(table);
        give_hardware_keys_back();
        return -ENOMEM;
    }
    return count - 1;
}

static void set_up_once(void)
{
    int saved_errno = errno;

    limit = set_up();
    errno = saved_errno;
}

/* Comes first in every function. 0, or why the library cannot work. */
static int begin(void)
{
    pthread_once(&once, set_up_once);
    if (limit < 0)
        return limit;
    drop_inherited_rights();
    return 0;
}

EXPORT int nw_pkey_limit(void)
{
    int error = begin();

    return error != 0 ? error : limit;
}

static int move_pages(nw_vkey vkey, int key)
{
    const struct nw__range *range = nw__ranges_first(&ranges, vkey);

    for (; range != NULL; range = nw__ranges_next(range)) {
        if (pkey_mprotect((void *)range->start, range->end - range->start, range->protection, key) < 0)
            return -errno;
    }
    return 0;
}

static int evict(nw_vkey victim)
{
    int error = move_pages(victim, parking);

    if (error != 0) {
        move_pages(victim, nw_vkey_hardware(table, victim));
        return error;
    }
    return nw_vkey_unbind(table, victim);
}

/* Moves the pages of a virtual key that was just bound. Its hardware key, or why it could not be. */
static int move_in(nw_vkey vkey, int key)
{
    int error = move_pages(vkey, key);

    if (error == 0)
        return key;
    if (move_pages(vkey, parking) == 0)
        nw_vkey_unbind(table, vkey);
    return error;
}

/* The hardware key of a virtual key, given to it now if need be; or an error. */
static int bind(nw_vkey vkey)
{
    int error = -EBUSY;

    for (int tries = 0; tries < HARDWARE_KEYS; tries++) {
        nw_vkey victim;
        bool was_bound = nw_vkey_hardware(table, vkey) > 0;
        int key = nw_vkey_bind(table, vkey, &victim);
        if (key != 0)
            return key < 0 || was_bound ? key : move_in(vkey, key);
        error = evict(victim);
        /* One whose pages cannot be moved counts as just used, so that the next try asks another. */
        if (error != 0)
            nw_vkey_bind(table, victim, &victim);
    }
    return error;
}

/* Binds and pins. The hardware key or an error. */
static int acquire(nw_pkey key)
{
    struct critical critical = enter();
    int at = bind(key);

    if (at > 0)
        nw_vkey_pin(table, key);
    leave(critical);
    return at;
}

static int open_key(nw_pkey key, unsigned int rights)
{
    /* Any value but NULL makes the end of the thread call on_thread_end. */
    if (pthread_setspecific(at_thread_end, held) != 0)
        return -ENOMEM;
    int at = acquire(key);
    if (at < 0)
        return at;
    held[at] = key;
    int error = write_rights(at, rights);
    if (error != 0)
        drop(at);
    return error;
}

static bool key_exists(nw_pkey key)
{
    struct critical critical = enter();
    bool exists = nw_vkey_hardware(table, key) >= 0;

    leave(critical);
    return exists;
}

EXPORT int nw_pkey_set(nw_pkey key, unsigned int rights)
{
    int error = begin();

    if (error != 0)
        return error;
    if (key == NW_PKEY_DEFAULT || (rights & ~ALL_RIGHTS_BITS))
        return -EINVAL;
    int at = held_at(key);
    if (!(rights & NW_PKEY_NO_ACCESS))
        return at > 0 ? write_rights(at, rights) : open_key(key, rights);
    if (at > 0)
        return drop(at);
    return key_exists(key) ? 0 : -EINVAL;
}

EXPORT int nw_pkey_get(nw_pkey key)
{
    int error = begin();

    if (error != 0)
        return error;
    if (key == NW_PKEY_DEFAULT)
        return -EINVAL;
    int at = held_at(key);
    if (at > 0)
        return pkey_get(at);
    return key_exists(key) ? (int)NW_PKEY_NO_ACCESS : -EINVAL;
}

EXPORT int nw_pkey_alloc(unsigned int flags, unsigned int rights, nw_pkey *key)
{
    int error = begin();

    if (error != 0)
        return error;
    if (flags != 0 || (rights & ~ALL_RIGHTS_BITS))
        return -EINVAL;
    nw_vkey vkey = 0;
    struct critical critical = enter();
    error = nw_vkey_new(table, &vkey);
    leave(critical);
    if (error == 0)
        error = nw_pkey_set(vkey, rights);
    if (error == 0)
        *key = vkey;
    else
        nw_pkey_free(vkey);
    return error;
}

static int free_locked(nw_vkey vkey)
{
    int key = nw_vkey_hardware(table, vkey);

    if (key < 0)
        return key;
    if (nw_vkey_pinned(table, vkey))
        return -EBUSY;
    int error = key > 0 ? evict(vkey) : 0;
    if (error != 0)
        return error;
    nw__ranges_forget(&ranges, vkey);
    return nw_vkey_free(table, vkey);
}

EXPORT int nw_pkey_free(nw_pkey key)
{
    int error = begin();

    if (error != 0)
        return error;
    struct critical critical = enter();
    error = free_locked(key);
    leave(critical);
    return error;
}

/* The hardware key that pages of a virtual key carry at the moment. */
static int key_of_pages(nw_vkey vkey)
{
    int key = nw_vkey_hardware(table, vkey);

    return key == 0 ? parking : key;
}

/* After a change that failed half way: parks what it reached, then gives recorded pages what the record says. */
static void restore(uintptr_t start, uintptr_t end, int protection)
{
    pkey_mprotect((void *)start, end - start, protection, parking);
    for (size_t i = nw__ranges_above(&ranges, start); i < ranges.count && ranges.sorted[i]->start < end; i++) {
        const struct nw__range *range = ranges.sorted[i];
        uintptr_t from = range->start > start ? range->start : start, to = range->end < end ? range->end : end;
        pkey_mprotect((void *)from, to - from, range->protection, key_of_pages(range->vkey));
    }
}

static int mprotect_locked(uintptr_t start, uintptr_t end, int protection, nw_vkey vkey)
{
    int key = vkey == NW_PKEY_DEFAULT ? 0 : key_of_pages(vkey);

    if (key < 0 || start == end)
        return key < 0 ? key : 0;
    int error = nw__ranges_prepare(&ranges);
    if (error != 0)
        return error;
    /* pkey_mprotect finds a hole when it has changed what lies before it; msync with this flag changes nothing. */
    if (msync((void *)start, end - start, MS_ASYNC) < 0)
        return -errno;
    if (pkey_mprotect((void *)start, end - start, protection, key) < 0) {
        error = -errno;
        restore(start, end, protection);
        return error;
    }
    nw__ranges_assign(&ranges, start, end, protection, vkey);
    return 0;
}

/* The whole pages of a range. 0, or -EINVAL when it does not start with a page or its end does not exist. */
static int pages_of(const void *address, size_t length, uintptr_t *start, uintptr_t *end)
{
    *start = (uintptr_t)address;
    if (*start % PAGE != 0 || __builtin_add_overflow(*start, length, end) ||
        __builtin_add_overflow(*end, PAGE - 1, end))
        return -EINVAL;
    *end &= ~(PAGE - 1);
    return 0;
}

EXPORT int nw_pkey_mprotect(void *address, size_t length, int protection, nw_pkey key)
{
    int error = begin();
    uintptr_t start, end;

    if (error != 0)
        return error;
    if (pages_of(address, length, &start, &end) != 0 || (protection & ~ALL_PROTECTIONS))
        return -EINVAL;
    struct critical critical = enter();
    error = mprotect_locked(start, end, protection, key);
    leave(critical);
    return error;
}

static int munmap_locked(uintptr_t start, uintptr_t end)
{
    int error = nw__ranges_prepare(&ranges);

    if (error != 0)
        return error;
    if (munmap((void *)start, end - start) < 0)
        return -errno;
    nw__ranges_assign(&ranges, start, end, 0, NW_PKEY_DEFAULT);
    return 0;
}

EXPORT int nw_pkey_munmap(void *address, size_t length)
{
    int error = begin();
    uintptr_t start, end;

    if (error != 0)
        return error;
    if (pages_of(address, length, &start, &end) != 0)
        return -EINVAL;
    struct critical critical = enter();
    error = munmap_locked(start, end);
    leave(critical);
    return error;
}

struct thread_start {
    void *(*start)(void *);
    void *argument;
};

static void *start_without_rights(void *argument)
{
    struct thread_start thread = *(struct thread_start *)argument;

    free(argument);
    drop_inherited_rights();
    return thread.start(thread.argument);
}

EXPORT int nw_pkey_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                                 void *argument)
{
    int error = -begin();

    if (error != 0)
        return error;
    struct thread_start *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return EAGAIN;
    *copy = (struct thread_start){start, argument};
    error = pthread_create(thread, attributes, start_without_rights, copy);
    if (error != 0)
        free(copy);
    return error;
}
