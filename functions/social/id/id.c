/*
 * Ids that nobody gets twice: {} is answered {"id": "INSTANCE-COUNT"}. INSTANCE is drawn at random when this instance
 * of the function begins, after a snapshot as well, so that those of other workers and those before a restart give
 * other ids.
 */
#include "../lib/service.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/random.h>

static uint64_t instance;
static atomic_uint_least64_t count;

void nw_after_restore(void)
{
    if (getrandom(&instance, sizeof instance, 0) != sizeof instance)
        abort();
}

/* For a host that does not call nw_after_restore. */
static void __attribute__((constructor)) begin(void)
{
    nw_after_restore();
}

static cJSON *social_serve(const struct social *social, const cJSON *in)
{
    cJSON *out = cJSON_CreateObject();
    char id[40];

    (void)social, (void)in;
    snprintf(id, sizeof id, "%016" PRIx64 "-%" PRIx64, instance, (uint64_t)atomic_fetch_add(&count, 1));
    cJSON_AddStringToObject(out, "id", id);
    return out;
}
