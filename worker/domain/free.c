/* See free.h. */
#include "worker/domain/free.h"
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWNED_AFTER 1024 /* times in a row; many, since taking the lock away again is a system call */

static bool may_be_owned;

int nw_free_init(void)
{
    may_be_owned = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    return may_be_owned ? 0 : -errno;
}

/* Not by libc: in a nested call FS base is the domain's, and so is errno. */
static void put_barriers(void)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_membarrier), "D"(MEMBARRIER_CMD_PRIVATE_EXPEDITED), "S"(0), "d"(0)
                     : "rcx", "r11", "memory");
    if (result != 0)
        __builtin_trap(); /* it was registered; two threads would change the list at once */
}

static void disown(struct nw_domain *domain)
{
    struct nw_executor *owner = domain->free_owner;

    if (!owner)
        return;
    nw_store_relaxed(&domain->free_owner, NULL);
    put_barriers();                                    /* pairs with the fence in nw_free_enter_as_owner */
    while (nw_load_acquire(&owner->in_free) == domain) /* stored when it leaves */
        nw_spin_pause();
}

static void count(struct nw_domain *domain, struct nw_executor *ex)
{
    if (!ex || domain->free_last != ex)
        domain->free_times = 0;
    domain->free_last = ex;
    if (++domain->free_times == OWNED_AFTER && may_be_owned && ex)
        nw_store_relaxed(&domain->free_owner, ex);
}

void nw_free_lock(struct nw_domain *domain, struct nw_executor *ex)
{
    while (nw_exchange(&domain->free_lock, 1u)) /* pairs with the release in nw_free_unlock */
        nw_spin_pause();
    disown(domain);
    count(domain, ex);
}

void nw_free_unlock(struct nw_domain *domain)
{
    nw_store_release(&domain->free_lock, 0u); /* pairs with the exchange in nw_free_lock */
}

struct nw_slot *nw_free_drain(struct nw_domain *domain)
{
    struct nw_slot *list;

    nw_free_lock(domain, NULL);
    list = domain->free;
    domain->free = NULL;
    domain->n_free = 0;
    nw_free_unlock(domain);
    return list;
}
