/*
 * Reading call sites. Nothing of the bytes is believed: they are copied once, and every number is checked against what
 * is there before it is used.
 */
#include "common/manifest/manifest.h"
#include "common/sites/format.h"
#include "common/sites/sites.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One record within the copy. */
struct record {
    struct nw__sites_header header;
    const char *sites, *names, *text;
};

/* How much room all records need. */
struct sums {
    uint64_t sites, names;
    bool whole, complete;
};

static const char *check_header(const struct nw__sites_header *h, size_t left)
{
    if (memcmp(h->magic, NW__SITES_MAGIC, sizeof h->magic) != 0)
        return "a record does not begin with NWCALLS";
    if (h->version != NW__SITES_VERSION)
        return "a record has another version than 1";
    if (h->size > left || h->size % 8 != 0 || h->size < sizeof *h)
        return "a record is longer than what is there, or cut short";
    if (h->n_sites > NW_SITES_MAX || h->n_names > NW_SITES_SIZE_MAX / sizeof(uint32_t))
        return "a record has too many sites or names";
    if (h->flags & ~(NW__SITES_WHOLE | NW__SITES_COMPLETE))
        return "a record has flags that are not known";
    uint64_t need = sizeof *h + (uint64_t)h->n_sites * sizeof(struct nw__sites_site) +
                    (uint64_t)h->n_names * sizeof(uint32_t) + h->text_size;
    if (need > h->size || h->size - need >= 8 || h->text_size == 0)
        return "the sizes in a record do not add up";
    return NULL;
}

/* Copies the header and finds the parts. NULL, or what is wrong. */
static const char *open_record(const char *at, size_t left, struct record *r)
{
    if (left < sizeof r->header)
        return "a record is cut short";
    memcpy(&r->header, at, sizeof r->header);
    const char *why = check_header(&r->header, left);
    if (why)
        return why;
    r->sites = at + sizeof r->header;
    r->names = r->sites + r->header.n_sites * sizeof(struct nw__sites_site);
    r->text = r->names + r->header.n_names * sizeof(uint32_t);
    return r->text[r->header.text_size - 1] == '\0' ? NULL : "the text of a record does not end";
}

static uint32_t name_at(const struct record *r, uint32_t i)
{
    uint32_t at;

    memcpy(&at, r->names + i * sizeof at, sizeof at);
    return at;
}

static bool is_name(const struct record *r, uint32_t at)
{
    return at < r->header.text_size &&
           nw_manifest_check_name(r->text + at, strnlen(r->text + at, NW_NAME_MAX + 1)) == 0;
}

static const char *check_site(const struct record *r, const struct nw__sites_site *s)
{
    if (s->file >= r->header.text_size || s->function >= r->header.text_size)
        return "a text of a site lies outside its record";
    if (s->kind >= NW_SITE_KINDS || s->any_name > 1 || s->zero != 0)
        return "a site is of no kind that is known";
    if (s->n_names > NW_SITE_NAMES_MAX || s->n_names > r->header.n_names ||
        s->first_name > r->header.n_names - s->n_names)
        return "the names of a site lie outside its record";
    if (s->input >> NW_FROM_BITS || s->length >> NW_LENGTH_BITS || s->output >> NW_FATE_BITS)
        return "a site says something that is not known";
    for (uint32_t i = 0; i < s->n_names; i++)
        if (!is_name(r, name_at(r, s->first_name + i)))
            return "a name is none that a function can have";
    return NULL;
}

static const char *check_sites(const struct record *r)
{
    const char *why = NULL;

    for (uint32_t i = 0; i < r->header.n_sites && !why; i++) {
        struct nw__sites_site s;
        memcpy(&s, r->sites + i * sizeof s, sizeof s);
        why = check_site(r, &s);
    }
    return why;
}

/* The distance of the next record: an aligned linker may have put zeros before it. */
static size_t skip_zeros(const char *at, size_t left)
{
    size_t n = 0;

    while (n < left && at[n] == '\0')
        n++;
    return n;
}

static const char *check_all(const char *bytes, size_t size, struct sums *sums)
{
    struct record r;

    *sums = (struct sums){.complete = true};
    for (size_t at = skip_zeros(bytes, size); at < size; at += skip_zeros(bytes + at, size - at)) {
        const char *why = open_record(bytes + at, size - at, &r);
        if (!why)
            why = check_sites(&r);
        if (why)
            return why;
        sums->sites += r.header.n_sites;
        for (uint32_t i = 0; i < r.header.n_sites; i++) {
            struct nw__sites_site s;
            memcpy(&s, r.sites + i * sizeof s, sizeof s);
            sums->names += s.n_names;
        }
        sums->whole |= (r.header.flags & NW__SITES_WHOLE) != 0;
        sums->complete &= (r.header.flags & NW__SITES_COMPLETE) != 0;
        at += r.header.size;
    }
    return sums->sites > NW_SITES_MAX ? "there are too many sites" : NULL;
}

static void take_site(const struct record *r, uint32_t i, struct nw_sites *sites, uint64_t *n_names)
{
    struct nw__sites_site s;

    memcpy(&s, r->sites + i * sizeof s, sizeof s);
    sites->sites[sites->n_sites++] = (struct nw_site){
        .file = r->text + s.file,
        .function = r->text + s.function,
        .line = s.line,
        .column = s.column,
        .kind = s.kind,
        .any_name = s.any_name,
        .input = s.input,
        .length = s.length,
        .length_max = s.length_max,
        .output = s.output,
        .names = sites->name_memory + *n_names,
        .n_names = s.n_names,
    };
    for (uint32_t k = 0; k < s.n_names; k++)
        sites->name_memory[(*n_names)++] = r->text + name_at(r, s.first_name + k);
}

static void take_all(size_t size, struct nw_sites *sites)
{
    const char *bytes = sites->memory;
    uint64_t n_names = 0;
    struct record r;

    for (size_t at = skip_zeros(bytes, size); at < size; at += skip_zeros(bytes + at, size - at)) {
        open_record(bytes + at, size - at, &r);
        for (uint32_t i = 0; i < r.header.n_sites; i++)
            take_site(&r, i, sites, &n_names);
        at += r.header.size;
    }
}

int nw_sites_decode(const void *bytes, size_t size, struct nw_sites *sites, char *why, size_t why_size)
{
    const char *reason = NULL;
    struct sums sums;

    *sites = (struct nw_sites){0};
    if (size > NW_SITES_SIZE_MAX) {
        snprintf(why, why_size, "they are larger than %u bytes", NW_SITES_SIZE_MAX);
        return -EINVAL;
    }
    sites->memory = malloc(size + 1);
    if (!sites->memory)
        return -ENOMEM;
    memcpy(sites->memory, bytes, size);
    reason = check_all(sites->memory, size, &sums);
    if (!reason) {
        sites->sites = calloc(sums.sites + 1, sizeof *sites->sites);
        sites->name_memory = calloc(sums.names + 1, sizeof *sites->name_memory);
    }
    if (reason || !sites->sites || !sites->name_memory) {
        snprintf(why, why_size, "%s", reason ? reason : "no memory");
        nw_sites_fini(sites);
        return reason ? -EINVAL : -ENOMEM;
    }
    sites->whole = sums.whole;
    sites->complete = sums.complete;
    take_all(size, sites);
    return 0;
}

void nw_sites_fini(struct nw_sites *sites)
{
    free(sites->memory);
    free(sites->sites);
    free(sites->name_memory);
    *sites = (struct nw_sites){0};
}
