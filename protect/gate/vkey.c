/* The table of virtual keys of vkey.h: handles in chains by their own (random) low bits, holders by hardware key. */
#include "protect/gate/vkey.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define HARDWARE_KEYS 16
#define CHAINS        256

struct entry {
    nw_vkey vkey;
    struct entry *next;
    int hardware; /* 0: unbound */
    unsigned int pins;
    uint64_t last_use; /* value of the table's clock */
};

struct nw_vkeys {
    uint16_t hardware;                    /* the keys this table may give */
    struct entry *holders[HARDWARE_KEYS]; /* NULL: free, or not ours to give */
    uint64_t clock;
    struct entry *chains[CHAINS];
};

struct nw_vkeys *nw_vkeys_new(uint16_t hardware)
{
    if (hardware == 0 || (hardware & 1)) {
        errno = EINVAL;
        return NULL;
    }
    struct nw_vkeys *table = calloc(1, sizeof *table);
    if (table != NULL)
        table->hardware = hardware;
    return table;
}

void nw_vkeys_free(struct nw_vkeys *table)
{
    for (size_t i = 0; table != NULL && i < CHAINS; i++) {
        for (struct entry *entry = table->chains[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            free(entry);
        }
    }
    free(table);
}

/* The link that points to the entry, or the NULL at the end of its chain. */
static struct entry **find_link(struct nw_vkeys *table, nw_vkey vkey)
{
    struct entry **link = &table->chains[vkey % CHAINS];

    while (*link != NULL && (*link)->vkey != vkey)
        link = &(*link)->next;
    return link;
}

static struct entry *find(const struct nw_vkeys *table, nw_vkey vkey)
{
    struct entry *entry = table->chains[vkey % CHAINS];

    while (entry != NULL && entry->vkey != vkey)
        entry = entry->next;
    return entry;
}

int nw_vkey_new(struct nw_vkeys *table, nw_vkey *vkey)
{
    do {
        if (getrandom(vkey, sizeof *vkey, 0) != sizeof *vkey)
            return -errno;
    } while (*vkey == 0 || find(table, *vkey) != NULL);
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return -ENOMEM;
    entry->vkey = *vkey;
    *find_link(table, *vkey) = entry;
    return 0;
}

static int unbind(struct nw_vkeys *table, struct entry *entry)
{
    if (entry->pins > 0)
        return -EBUSY;
    table->holders[entry->hardware] = NULL; /* of key 0, for one that is unbound, nobody ever is */
    entry->hardware = 0;
    return 0;
}

int nw_vkey_free(struct nw_vkeys *table, nw_vkey vkey)
{
    struct entry **link = find_link(table, vkey), *entry = *link;

    if (entry == NULL)
        return -EINVAL;
    int error = unbind(table, entry);
    if (error != 0)
        return error;
    *link = entry->next;
    free(entry);
    return 0;
}

/* A hardware key that nobody holds, or 0. */
static int free_key(const struct nw_vkeys *table)
{
    for (int key = 1; key < HARDWARE_KEYS; key++) {
        if ((table->hardware >> key & 1) && table->holders[key] == NULL)
            return key;
    }
    return 0;
}

static const struct entry *least_recently_used(const struct nw_vkeys *table)
{
    const struct entry *oldest = NULL;

    for (int key = 1; key < HARDWARE_KEYS; key++) {
        const struct entry *entry = table->holders[key];
        if (entry != NULL && entry->pins == 0 && (oldest == NULL || entry->last_use < oldest->last_use))
            oldest = entry;
    }
    return oldest;
}

int nw_vkey_bind(struct nw_vkeys *table, nw_vkey vkey, nw_vkey *victim)
{
    struct entry *entry = find(table, vkey);

    *victim = 0;
    if (entry == NULL)
        return -EINVAL;
    if (entry->hardware == 0) {
        int key = free_key(table);
        const struct entry *oldest = key == 0 ? least_recently_used(table) : NULL;
        if (key == 0 && oldest == NULL)
            return -EBUSY;
        if (key == 0) {
            *victim = oldest->vkey;
            return 0;
        }
        entry->hardware = key;
        table->holders[key] = entry;
    }
    entry->last_use = ++table->clock;
    return entry->hardware;
}

int nw_vkey_unbind(struct nw_vkeys *table, nw_vkey vkey)
{
    struct entry *entry = find(table, vkey);

    return entry == NULL ? -EINVAL : unbind(table, entry);
}

int nw_vkey_pin(struct nw_vkeys *table, nw_vkey vkey)
{
    struct entry *entry = find(table, vkey);

    if (entry == NULL)
        return -EINVAL;
    if (entry->hardware == 0)
        return -EAGAIN;
    entry->pins++;
    return entry->hardware;
}

int nw_vkey_unpin(struct nw_vkeys *table, nw_vkey vkey)
{
    struct entry *entry = find(table, vkey);

    if (entry == NULL || entry->pins == 0)
        return -EINVAL;
    entry->pins--;
    entry->last_use = ++table->clock;
    return 0;
}

int nw_vkey_hardware(const struct nw_vkeys *table, nw_vkey vkey)
{
    const struct entry *entry = find(table, vkey);

    return entry == NULL ? -EINVAL : entry->hardware;
}

bool nw_vkey_pinned(const struct nw_vkeys *table, nw_vkey vkey)
{
    const struct entry *entry = find(table, vkey);

    return entry != NULL && entry->pins > 0;
}

nw_vkey nw_vkey_holder(const struct nw_vkeys *table, int hardware)
{
    if (hardware < 0 || hardware >= HARDWARE_KEYS || table->holders[hardware] == NULL)
        return 0;
    return table->holders[hardware]->vkey;
}
