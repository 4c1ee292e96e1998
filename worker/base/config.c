/* See config.h. */
#include "worker/base/config.h"

struct nw_config nw__config;

void nw_config_set(const struct nw_config *config)
{
    nw__config = *config;
}
