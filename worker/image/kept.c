/* See kept.h. */
#include "worker/image/kept.h"
#include "worker/image/image.h"
#include "worker/image/programs.h"
#include <stdlib.h>
#include <string.h>

void nw_kept_free(struct nw_kept *kept)
{
    if (!kept)
        return;
    for (size_t i = 0; i < kept->n_images; i++)
        nw_images_release(nw_image_cache(kept->images[i].trust), kept->images[i].image);
    free(kept);
}

/* Its place; NW_KEPT_LIBRARIES when there is no room. */
static uint32_t add_library(struct nw_kept *kept, const struct nw_library *library)
{
    size_t i = 0;

    while (i < kept->n_libraries && memcmp(&kept->libraries[i], library, sizeof(*library)) != 0)
        i++;
    if (i == kept->n_libraries && i < NW_KEPT_LIBRARIES)
        kept->libraries[kept->n_libraries++] = *library;
    return (uint32_t)i;
}

static bool has_image(const struct nw_kept *kept, const struct nw_image *image)
{
    for (size_t i = 0; i < kept->n_images; i++)
        if (kept->images[i].image == image)
            return true;
    return false;
}

void nw_kept_add_image(struct nw_kept *kept, struct nw_image *image, bool trust, const struct nw_library *library,
                       uint64_t offset)
{
    const uint32_t place = has_image(kept, image) ? 0 : add_library(kept, library);

    if (has_image(kept, image))
        return;
    if (place == NW_KEPT_LIBRARIES || kept->n_images == NW_KEPT_IMAGES) {
        kept->too_many = true;
        return;
    }
    nw__images_share(nw_image_cache(trust), image);
    kept->images[kept->n_images++] = (struct nw_kept_image){image, trust, place, offset};
}

void nw_kept_add_data(struct nw_kept *kept, uint64_t id, const struct nw_library *library, uint64_t offset)
{
    const uint32_t place = add_library(kept, library);

    if (place < NW_KEPT_LIBRARIES && kept->n_data < NW_KEPT_DATA)
        kept->data[kept->n_data++] = (struct nw_kept_data){id, place, offset};
}

const struct nw_kept_data *nw_kept_find_data(const struct nw_kept *kept, uint64_t id)
{
    for (size_t i = 0; i < kept->n_data; i++)
        if (kept->data[i].id == id)
            return &kept->data[i];
    return NULL;
}
