/* Writing call sites as a record of bytes. */
#include "common/sites/format.h"
#include "common/sites/sites.h"
#include <errno.h>
#include <string.h>

/* The place of a text behind those that are there already. */
static uint32_t add_text(struct nw_buffer *text, const char *what, int *error)
{
    uint32_t at = (uint32_t)text->length;

    if (text->length + strlen(what) >= NW_SITES_SIZE_MAX)
        *error = -E2BIG;
    else if (nw_buffer_append(text, what, strlen(what) + 1) < 0)
        *error = -ENOMEM;
    return at;
}

static void add_site(const struct nw_site *site, struct nw_buffer *fixed, struct nw_buffer *names,
                     struct nw_buffer *text, int *error)
{
    struct nw__sites_site s = {
        .file = add_text(text, site->file, error),
        .function = add_text(text, site->function, error),
        .line = site->line,
        .column = site->column,
        .kind = site->kind,
        .any_name = site->any_name,
        .first_name = (uint32_t)(names->length / sizeof(uint32_t)),
        .n_names = site->n_names,
        .input = site->input,
        .length = site->length,
        .output = site->output,
        .length_max = site->length_max,
    };

    for (uint32_t i = 0; i < site->n_names && !*error; i++) {
        uint32_t at = add_text(text, site->names[i], error);
        if (nw_buffer_append(names, &at, sizeof at) < 0)
            *error = -ENOMEM;
    }
    if (nw_buffer_append(fixed, &s, sizeof s) < 0)
        *error = -ENOMEM;
}

static int put_together(const struct nw_sites *sites, const struct nw_buffer *fixed, const struct nw_buffer *names,
                        const struct nw_buffer *text, struct nw_buffer *to)
{
    static const char zeros[8];
    size_t size = sizeof(struct nw__sites_header) + fixed->length + names->length + text->length;
    size_t padded = (size + 7) / 8 * 8;
    struct nw__sites_header header = {
        .magic = NW__SITES_MAGIC,
        .version = NW__SITES_VERSION,
        .size = (uint32_t)padded,
        .flags = (sites->whole ? NW__SITES_WHOLE : 0) | (sites->complete ? NW__SITES_COMPLETE : 0),
        .n_sites = sites->n_sites,
        .n_names = (uint32_t)(names->length / sizeof(uint32_t)),
        .text_size = (uint32_t)text->length,
    };

    if (padded > NW_SITES_SIZE_MAX)
        return -E2BIG;
    if (nw_buffer_reserve(to, padded) < 0)
        return -ENOMEM;
    nw_buffer_append(to, &header, sizeof header);
    nw_buffer_append(to, fixed->data, fixed->length);
    nw_buffer_append(to, names->data, names->length);
    nw_buffer_append(to, text->data, text->length);
    return nw_buffer_append(to, zeros, padded - size);
}

int nw_sites_encode(const struct nw_sites *sites, struct nw_buffer *to)
{
    struct nw_buffer fixed = {0}, names = {0}, text = {0};
    int error = sites->n_sites > NW_SITES_MAX ? -E2BIG : 0;

    add_text(&text, "", &error); /* so that there is a NUL at the end, whatever follows */
    for (uint32_t i = 0; i < sites->n_sites && !error; i++)
        add_site(&sites->sites[i], &fixed, &names, &text, &error);
    if (!error)
        error = put_together(sites, &fixed, &names, &text, to);
    nw_buffer_fini(&fixed);
    nw_buffer_fini(&names);
    nw_buffer_fini(&text);
    return error;
}
