/* See keep.h. */
#include "engine/store/keep.h"
#include "common/base/log.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nw__keep_split(const struct nw__database_row *row, struct nw_buffer *manifest, struct nw_release *release,
                    const char **routes)
{
    const char *line = strchrnul(row->manifest, '\n');
    manifest->length = 0;
    if (nw_buffer_append(manifest, row->manifest, (size_t)(line - row->manifest)) < 0 ||
        nw_buffer_append(manifest, "", 1) < 0)
        nw_die_system("cannot read the registry: out of memory");
    *routes = NULL;
    if (!*line || nw_release_parse(release, line + 1, routes) < 0)
        nw__release_init(release, manifest->data, row->sha256);
}

/* The row that serves: no name of a function goes on with the character that ends the range. */
static int serving(struct nw__database *database, const char *name,
                   void (*row)(void *arg, const struct nw__database_row *row), void *arg)
{
    char behind[NW_KEPT_NAME + 1];
    snprintf(behind, sizeof behind, "%s!", name);
    return nw_database_between(database, name, behind, row, arg);
}

static int kept(struct nw__database *database, const char *name,
                void (*row)(void *arg, const struct nw__database_row *row), void *arg)
{
    char low[NW_KEPT_NAME + 1], high[NW_KEPT_NAME + 1];
    snprintf(low, sizeof low, "%s@v", name);
    snprintf(high, sizeof high, "%s@w", name);
    return nw_database_between(database, low, high, row, arg);
}

int nw__keep_each(struct nw__database *database, const char *name,
                  void (*row)(void *arg, const struct nw__database_row *row), void *arg)
{
    int rc = serving(database, name, row, arg);
    return rc == SQLITE_OK ? kept(database, name, row, arg) : rc;
}

/* --- the version that served --- */

struct before {
    struct nw_buffer text, manifest; /* of the whole row; of its manifest */
    char sha256[NW__DATABASE_SHA256 + 1];
    struct nw_release release;
};

static void take_before(void *arg, const struct nw__database_row *row)
{
    struct before *before = arg;
    const char *routes;
    nw__keep_split(row, &before->manifest, &before->release, &routes);
    snprintf(before->sha256, sizeof before->sha256, "%s", row->sha256);
    if (nw_buffer_append(&before->text, row->manifest, strlen(row->manifest) + 1) < 0)
        nw_die_system("cannot write to the registry: out of memory");
}

static int keep_before(struct nw__database *database, const char *name, uint32_t number)
{
    struct before before = {.sha256 = ""};
    char as[NW_KEPT_NAME + 1];
    int rc = serving(database, name, take_before, &before);
    nw_release_kept_name(name, before.release.number, as);
    if (rc == SQLITE_OK && before.text.length && before.release.number != number)
        rc = nw_database_put(database, as, before.sha256, before.text.data);
    nw_buffer_fini(&before.text);
    nw_buffer_fini(&before.manifest);
    return rc;
}

/* --- those that are not kept --- */

struct found {
    uint32_t number;
    char sha256[NW__DATABASE_SHA256 + 1];
};

static void take_found(void *arg, const struct nw__database_row *row)
{
    struct found found = {.number = nw_release_kept_number(row->name)};
    snprintf(found.sha256, sizeof found.sha256, "%s", row->sha256);
    if (found.number && nw_buffer_append(arg, &found, sizeof found) < 0)
        nw_die_system("cannot write to the registry: out of memory");
}

static int newest_first(const void *one, const void *other)
{
    uint32_t a = ((const struct found *)one)->number, b = ((const struct found *)other)->number;
    return (a < b) - (a > b);
}

/* Whether routes, such as "=v1:90,v2:10 prod=v1:100", name a version. */
static bool is_routed(const char *routes, uint32_t number)
{
    char share[16];
    int length = snprintf(share, sizeof share, "v%u:", number);
    const char *at = routes;
    while (at && (at = strstr(at, share)) && !(at > routes && strchr("=,", at[-1])))
        at += length;
    return at != NULL;
}

/* Removes all but the newest `most` and those that routes name. */
static int drop(struct nw__database *database, const char *name, size_t most, const char *routes,
                struct nw_buffer *dropped)
{
    struct nw_buffer all = {0};
    char as[NW_KEPT_NAME + 1];
    int rc = kept(database, name, take_found, &all);
    struct found *found = (struct found *)all.data;
    size_t n = all.length / sizeof *found;
    if (n > most)
        qsort(found, n, sizeof *found, newest_first);
    for (size_t i = most; i < n && rc == SQLITE_OK; i++) {
        if (is_routed(routes, found[i].number))
            continue;
        nw_release_kept_name(name, found[i].number, as);
        rc = nw_database_remove(database, as);
        if (dropped && nw_buffer_append(dropped, found[i].sha256, sizeof found[i].sha256) < 0)
            break; /* then the next start removes the code */
    }
    nw_buffer_fini(&all);
    return rc;
}

int nw__keep_put(struct nw__database *database, const struct nw__database_row *row, uint32_t number,
                 const struct nw__keep *keep)
{
    const struct nw__database_row *beside = keep->beside;
    char as[NW_KEPT_NAME + 1];
    int rc = keep->keep ? keep_before(database, row->name, number) : SQLITE_OK;
    nw_release_kept_name(row->name, number, as);
    if (rc == SQLITE_OK && keep->keep)
        rc = nw_database_remove(database, as);
    if (rc == SQLITE_OK)
        rc = nw_database_put(database, row->name, row->sha256, row->manifest);
    if (rc == SQLITE_OK && beside)
        rc = nw_database_put(database, beside->name, beside->sha256, beside->manifest);
    return rc == SQLITE_OK && keep->keep ? drop(database, row->name, keep->keep - 1, keep->routes, keep->dropped) : rc;
}

int nw__keep_remove(struct nw__database *database, const char *name, struct nw_buffer *dropped)
{
    int rc = nw_database_remove(database, name);
    return rc == SQLITE_OK ? drop(database, name, 0, NULL, dropped) : rc;
}
