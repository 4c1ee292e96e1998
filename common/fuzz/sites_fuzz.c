/*
 * Records of call sites, and object files with a section of them, which anybody may have made: what is read lies within
 * the bounds, and written and read again it is the same.
 */
#include "common/manifest/manifest.h"
#include "common/sites/sites.h"
#include "common/test/fuzz.h"
#include <string.h>

static void check_site(const struct nw_site *site)
{
    NW_FUZZ_CHECK(strlen(site->file) < NW_SITES_SIZE_MAX && strlen(site->function) < NW_SITES_SIZE_MAX);
    NW_FUZZ_CHECK(site->kind < NW_SITE_KINDS && site->n_names <= NW_SITE_NAMES_MAX);
    NW_FUZZ_CHECK(!(site->input >> NW_FROM_BITS) && !(site->length >> NW_LENGTH_BITS));
    for (uint32_t i = 0; i < site->n_names; i++)
        NW_FUZZ_CHECK(nw_manifest_check_name(site->names[i], strlen(site->names[i])) == 0);
}

static void check_same(const struct nw_sites *a, const struct nw_sites *b)
{
    NW_FUZZ_CHECK(a->n_sites == b->n_sites && a->whole == b->whole && a->complete == b->complete);
    for (uint32_t i = 0; i < a->n_sites; i++) {
        const struct nw_site *x = &a->sites[i], *y = &b->sites[i];
        NW_FUZZ_CHECK(x->n_names == y->n_names && x->any_name == y->any_name && x->line == y->line);
        NW_FUZZ_CHECK(strcmp(x->file, y->file) == 0 && x->length_max == y->length_max && x->output == y->output);
        for (uint32_t k = 0; k < x->n_names; k++)
            NW_FUZZ_CHECK(strcmp(x->names[k], y->names[k]) == 0);
    }
}

static void check_all(const struct nw_sites *sites)
{
    struct nw_sites again;
    struct nw_buffer bytes = {0};
    char why[200];

    for (uint32_t i = 0; i < sites->n_sites; i++)
        check_site(&sites->sites[i]);
    /* Texts that sites share are written once for each. */
    if (nw_sites_encode(sites, &bytes) == 0) {
        NW_FUZZ_CHECK(nw_sites_decode(bytes.data, bytes.length, &again, why, sizeof why) == 0);
        check_same(sites, &again);
        nw_sites_fini(&again);
    }
    nw_buffer_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_sites sites;
    char why[200] = "";
    const bool object = size > 0 && *data == 0x7f;
    const int rc = object ? nw_sites_read(data, size, &sites, why, sizeof why)
                          : nw_sites_decode(data, size, &sites, why, sizeof why);

    if (rc < 0)
        NW_FUZZ_CHECK(memchr(why, '\0', sizeof why) && *why);
    if (rc < 0 || (object && rc == 0))
        return 0;
    check_all(&sites);
    nw_sites_fini(&sites);
    return 0;
}
