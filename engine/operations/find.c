/* See find.h. */
#include "engine/operations/find.h"
#include "engine/base/list.h"
#include "engine/io/io.h"
#include "engine/store/registry.h"
#include <errno.h>
#include <stdio.h>

static bool is_wanted(const struct nw__find *find, uint32_t number)
{
    if (find->number)
        return number == find->number;
    return number < find->serves && number > find->release.number;
}

static void look(void *arg, const struct nw_registry_row *row)
{
    struct nw__find *find = arg;
    if (!is_wanted(find, row->release->number))
        return;
    nw_manifest_fini(&find->manifest);
    find->rc = nw_manifest_copy(&find->manifest, row->manifest);
    find->release = *row->release;
    snprintf(find->sha256, sizeof find->sha256, "%s", row->sha256);
}

static void work(void *arg)
{
    struct nw__find *find = arg;
    find->rc = -ENOENT;
    nw_registry_versions(find->registry, find->name, look, find);
}

static void done(void *arg)
{
    struct nw__find *find = arg;
    find->done(find);
}

int nw__find_begin(struct nw_io *io, struct nw_registry *registry, const char *name, struct nw__find *find)
{
    find->registry = registry;
    find->name = name;
    return nw_io_offload(io, work, done, find);
}
