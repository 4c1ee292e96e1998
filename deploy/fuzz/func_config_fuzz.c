/*
 * nightcore's func_config.json: what is accepted has names and ids within the bounds, no two alike; what is refused is
 * refused with a line that the text has.
 */
#include "common/test/fuzz.h"
#include "deploy/import/func_config.h"
#include <stdio.h>
#include <string.h>

static void check_func(const struct nw_func_config *config, int i)
{
    const struct nw_func *func = &config->funcs[i];

    NW_FUZZ_CHECK(nw_manifest_check_name(func->manifest.name, strlen(func->manifest.name)) == 0);
    NW_FUZZ_CHECK(func->id >= 1 && func->id <= NW_FUNC_ID_MAX && func->line >= 1);
    NW_FUZZ_CHECK(func->min_workers >= -1 && func->min_workers <= NW_FUNC_CALLS_MAX);
    NW_FUZZ_CHECK(func->max_workers >= -1 && func->max_workers <= NW_FUNC_CALLS_MAX);
    NW_FUZZ_CHECK(memchr(func->so, '\0', sizeof func->so));
    for (int k = 0; k < i; k++)
        NW_FUZZ_CHECK(config->funcs[k].id != func->id &&
                      strcmp(config->funcs[k].manifest.name, func->manifest.name) != 0);
}

/* All but the keys of a manifest that do not go together, which are many lines' doing, has a line. */
static void check_message(const char *why, const uint8_t *data, size_t size)
{
    int line = 0, lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    NW_FUZZ_CHECK(sscanf(why, "line %d: ", &line) == 1 && line >= 1 && line <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_func_config config = {.n = 0};
    char why[60] = "";
    int rc = nw_func_config_parse(&config, (const char *)data, size, why, sizeof why);

    NW_FUZZ_CHECK(memchr(why, '\0', sizeof why));
    for (int i = 0; rc == 0 && i < config.n; i++)
        check_func(&config, i);
    if (rc < 0)
        check_message(why, data, size);
    NW_FUZZ_CHECK(!config.warnings.length || !config.warnings.data[config.warnings.length - 1]);
    nw_func_config_fini(&config);
    return 0;
}
