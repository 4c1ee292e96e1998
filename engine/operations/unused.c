/* See unused.h. */
#include "engine/operations/unused.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/store/registry.h"
#include "engine/versions/deployments.h"
#include <stdio.h>
#include <stdlib.h>

struct forgotten {
    struct nw_list link; /* in unused->forgotten, or in a list that a thread works on */
    char sha256[NW_SHA256_HEX + 1];
};

static struct forgotten *forgotten_at(const struct nw_list *at)
{
    return nw_container(at, struct forgotten, link);
}

/* Code that another thread removes from the store. */
struct removal {
    struct nw__unused *unused;
    struct nw_list list; /* of struct forgotten */
};

static void remove_work(void *arg)
{
    const struct removal *removal = arg;
    nw_list_each(&removal->list, at, after) nw_registry_forget(removal->unused->registry, forgotten_at(at)->sha256);
}

static void forgotten_free(struct forgotten *forgotten)
{
    nw_list_remove(&forgotten->link);
    free(forgotten);
}

static void remove_next(struct nw__unused *unused);

static void remove_done(void *arg)
{
    struct removal *removal = arg;
    struct nw__unused *unused = removal->unused;
    while (!nw_list_empty(&removal->list))
        forgotten_free(forgotten_at(removal->list.next));
    free(removal);
    unused->removing = false;
    if (unused->engine->ended)
        return;
    unused->removed(unused->arg);
    remove_next(unused);
}

/* Removes the code that nobody has. Not while anything is being stored, which may rely on just that code though no
 * deployment names it yet; and nothing is stored meanwhile. */
static void remove_next(struct nw__unused *unused)
{
    struct removal *removal =
        unused->storing || unused->removing || nw_list_empty(&unused->forgotten) ? NULL : calloc(1, sizeof *removal);
    if (!removal)
        return;
    removal->unused = unused;
    nw_list_init(&removal->list);
    nw_list_splice(&removal->list, &unused->forgotten);
    nw_list_each(&removal->list, at, after) if (nw_deployments_use_code(unused->deployments, forgotten_at(at)->sha256))
        forgotten_free(forgotten_at(at));
    unused->removing = nw_io_offload(unused->engine->io, remove_work, remove_done, removal) == 0;
    if (unused->removing)
        return;
    nw_list_splice(&unused->forgotten, &removal->list);
    free(removal);
}

void nw__unused_code(struct nw__unused *unused, const char *sha256)
{
    struct forgotten *forgotten = malloc(sizeof *forgotten);
    if (!forgotten)
        return;
    snprintf(forgotten->sha256, sizeof forgotten->sha256, "%s", sha256);
    nw_list_append(&unused->forgotten, &forgotten->link);
    remove_next(unused);
}

void nw__unused_hold(struct nw__unused *unused)
{
    unused->storing++;
}

void nw__unused_release(struct nw__unused *unused)
{
    unused->storing--;
    remove_next(unused);
}

void nw__unused_init(struct nw__unused *unused, struct nw_engine *engine, struct nw_deployments *deployments,
                     void (*removed)(void *arg), void *arg)
{
    *unused = (struct nw__unused){.engine = engine, .deployments = deployments, .removed = removed, .arg = arg};
    nw_list_init(&unused->forgotten);
}
